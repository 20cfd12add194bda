using System.Text.Json;
using Ingest.Bench.Compare.Baselines;
using Ingest.Bench.Load;

namespace Ingest.Bench.Compare.Ways;

/// <summary>Rows of the demo table as .NET values, by column; ids are ascending, as those that a node makes.</summary>
internal sealed class Rows
{
    public Rows(int count)
    {
        var source = new RowSource();
        Ids = new Guid[count];
        Urls = new string[count];
        Users = new long[count];
        Amounts = new double[count];
        Times = new DateTime[count];
        for (var i = 0; i < count; i++)
        {
            var click = JsonSerializer.Deserialize(source[i].Span, ClickJson.Default.Click)!;
            Urls[i] = click.Url;
            Users[i] = click.UserId!.Value;
            Amounts[i] = click.Amount!.Value;
            Times[i] = click.At;
        }
    }

    public int Count => Ids.Length;

    public Guid[] Ids { get; }

    public string[] Urls { get; }

    public long[] Users { get; }

    public double[] Amounts { get; }

    public DateTime[] Times { get; }

    /// <summary>New ids, so that the same rows can be written again.</summary>
    public void Renew(DateTimeOffset now)
    {
        for (var i = 0; i < Ids.Length; i++) Ids[i] = Guid.CreateVersion7(now);
    }
}
