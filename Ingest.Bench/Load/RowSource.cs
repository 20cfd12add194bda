using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Ingest.Bench.Load;

/// <summary>
/// JSON rows for the demo table <c>clicks</c>, some 100 to 150 bytes each, without ids: the server makes them. A fixed
/// number of distinct rows is made beforehand and repeated, so that making rows costs nothing during the load; the seed
/// is fixed, so that two loads offer the same bytes.
/// </summary>
public sealed class RowSource
{
    /// <summary>Enough that neither caches nor branch predictors learn the rows, few enough to be made at
    /// once.</summary>
    public const int Distinct = 4_096;

    private static readonly string[] Sites =
        ["www.example.com", "shop.example.org", "blog.example.net", "m.example.com"];
    private static readonly string[] Sections =
        ["products", "articles", "search", "checkout", "account/orders", "help"];
    private static readonly string[] Sources = ["newsletter", "ads", "organic", "partner", "social"];

    private readonly byte[][] rows;

    /// <param name="bad">Rows to be refused, each made of one of the others; null: none.</param>
    public RowSource(BadRows? bad = null)
    {
        var random = new Random(20_240_229);
        rows = new byte[Distinct][];
        var at = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        for (var i = 0; i < rows.Length; i++)
        {
            at = at.AddMilliseconds(random.Next(1, 2_000));
            // Made in any case, so that the others are what they would be without bad ones.
            var row = Row(random, at);
            rows[i] = Encoding.UTF8.GetBytes(
                bad is not null && i % bad.Every == bad.Every - 1 ? Spoiled(row, bad, i) : row);
        }
    }

    private RowSource(byte[][] rows) => this.rows = rows;

    /// <summary>The JSON object of a row, by its number in the load; one line, without its end.</summary>
    public ReadOnlyMemory<byte> this[long row] => rows[row % Distinct];

    /// <summary>The longest row in bytes.</summary>
    public int Longest => rows.Max(row => row.Length);

    /// <summary>The same rows, each in a wrapping that is made once: a request, a line.</summary>
    public RowSource Wrapped(Func<byte[], byte[]> wrap) => new(Array.ConvertAll(rows, row => wrap(row)));

    private static string Spoiled(string row, BadRows bad, int number)
    {
        var spoiled = JsonNode.Parse(row)!.AsObject();
        bad.Spoil(spoiled, number);
        return spoiled.ToJsonString();
    }

    private static string Row(Random random, DateTime at) => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"url\":\"https://{Pick(random, Sites)}/{Pick(random, Sections)}/{random.Next(100_000)}"
        + $"?utm={Pick(random, Sources)}\",\"user_id\":{random.NextInt64(1, 5_000_000_000)},"
        + $"\"amount\":{random.Next(1, 1_000_000) / 100.0},\"at\":\"{at:yyyy-MM-ddTHH:mm:ss.fffZ}\"}}");

    // The rows need variety, not secrecy.
#pragma warning disable CA5394
    private static string Pick(Random random, string[] values) => values[random.Next(values.Length)];
#pragma warning restore CA5394
}
