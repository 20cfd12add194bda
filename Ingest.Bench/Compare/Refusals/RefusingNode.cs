using Ingest.Bench.Load;
using Ingest.Bench.Processes;
using Npgsql;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>A node whose tables refuse rows, and the streams that are sent there.</summary>
/// <param name="Database">The connection string of a superuser.</param>
/// <param name="Empty">The statements that put the tables back to what they were.</param>
internal sealed record RefusingNode(BenchStage Stage, NodeProcess Node, string Database, string Empty)
{
    private const int Streams = 2;
    private const int StreamWindow = 32_768;

    /// <summary>Measures the rate of streams in their steady state.</summary>
    /// <param name="bad">null: none.</param>
    public Contender Stream(string name, string title, string table, BadRows? bad, TimeSpan duration) =>
        new(name, $"Ingest, NDJSON, {title}", async (warmUp, cancellation) =>
        {
            await ResetAsync();
            // One long warm-up warms the node for both.
            var enough = bad is null ? warmUp : Stage.Options.WarmUp;
            var sample = await LoadProbe.MeasureAsync(
                Load(table, bad), Stage.Watch(Node), enough, duration, Stage.Time, cancellation);
            await Stage.DrainAsync(Node);
            return sample;
        });

    public LoadOptions Load(string table, BadRows? bad) => new()
    {
        Url = Node.Url,
        Via = LoadVia.Ndjson,
        Connections = Streams,
        Window = StreamWindow,
        Table = table,
        Bad = bad,
    };

    public async Task ResetAsync()
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var empty = source.CreateCommand(Empty);
        await empty.ExecuteNonQueryAsync();
        await using var checkpoint = source.CreateCommand("CHECKPOINT");
        checkpoint.CommandTimeout = 0;
        await checkpoint.ExecuteNonQueryAsync();
    }
}
