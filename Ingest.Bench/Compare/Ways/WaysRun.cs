using System.Text.Json;
using System.Text.Json.Serialization;
using Ingest.Bench.Processes;
using Npgsql;

namespace Ingest.Bench.Compare.Ways;

/// <summary>One way at one size of batch.</summary>
/// <param name="ClientCpuMicroseconds">Processor time of the writing process, in microseconds a row.</param>
internal sealed record WayResult(
    string Way, int BatchRows, Spread RowsPerSecond, double ClientCpuMicroseconds, double PostgresCpuMicroseconds);

/// <summary>
/// Measures the ways to write rows over one connection, by the size of their batches: the table from which the node's
/// choice between <c>INSERT</c> and <c>COPY</c> follows.
/// </summary>
internal sealed class WaysRun(BenchOptions options, TimeProvider time, Action<string> say)
{
    private static readonly int[] Sizes = [1, 10, 100, 1_000, 10_000, 100_000];

    /// <summary>The ways in the order of the table.</summary>
    public static IReadOnlyList<Way> All { get; } =
        [InsertWays.Single, InsertWays.MultiRow, InsertWays.Unnest, CopyWays.Text, CopyWays.Binary];

    private TimeSpan Duration => TimeSpan.FromSeconds(options.Quick ? 0.5 : 2);

    public async Task<IReadOnlyList<WayResult>> RunAsync(CancellationToken cancellation)
    {
        using var run = new RunDirectory(keep: false);
        await using var postgres = await RunPostgres.StartAsync(run, time, cancellation);
        var connectionString = postgres.ConnectionFor("ways");
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString)
        {
            WriteBufferSize = 32 * 1024,
            CommandTimeout = 0,
        }.ConnectionString);
        await connection.OpenAsync(cancellation);
        var results = new List<WayResult>();
        foreach (var size in Sizes)
        {
            var rows = new Rows(size);
            var ways = All.Where(way => way.MostRows >= size).ToList();
            var samples = ways.ToDictionary(way => way, _ => new List<Sample>());
            for (var round = 0; round < options.Rounds; round++)
            {
                foreach (var way in ways)
                {
                    await postgres.ExecuteAsync("TRUNCATE clicks");
                    cancellation.ThrowIfCancellationRequested();
                    samples[way].Add(await MeasureAsync(way, connection, rows, postgres));
                }
            }

            foreach (var way in ways)
            {
                var spread = Spread.Of(samples[way].Select(sample => sample.RowsPerSecond));
                say($"{way.Name}, batches of {size:N0}: {spread.Median:N0} rows/s");
                results.Add(new WayResult(
                    way.Name,
                    size,
                    spread,
                    Spread.Of(samples[way].Select(sample => sample.GeneratorCpuMicroseconds)).Median,
                    Spread.Of(samples[way].Select(sample => sample.PostgresCpuMicroseconds)).Median));
            }
        }

        return results;
    }

    /// <summary>The smallest measured batch from which on one way beats another at every size that both have.</summary>
    /// <returns>null where there is none.</returns>
    public static int? CrossOver(IReadOnlyList<WayResult> results, string way, string other)
    {
        int? from = null;
        foreach (var size in Sizes)
        {
            var (own, its) = (Rate(way, size), Rate(other, size));
            if (own is null || its is null) continue;
            from = own > its ? from ?? size : null;
        }

        return from;

        double? Rate(string name, int size) =>
            results.FirstOrDefault(result => result.Way == name && result.BatchRows == size)?.RowsPerSecond.Median;
    }

    public static string ToJson(IReadOnlyList<WayResult> results) =>
        JsonSerializer.Serialize([.. results], WaysJson.Default.WayResultArray) + "\n";

    private async Task<Sample> MeasureAsync(Way way, NpgsqlConnection connection, Rows rows, RunPostgres postgres)
    {
        rows.Renew(time.GetUtcNow());
        await way.WriteAsync(connection, rows); // Prepares what is to be prepared.
        return await LoadProbe.MeasureAsync(
            async () =>
            {
                var since = time.GetTimestamp();
                var written = 0L;
                while (time.GetElapsedTime(since) < Duration)
                {
                    rows.Renew(time.GetUtcNow());
                    await way.WriteAsync(connection, rows);
                    written += rows.Count;
                }

                return written;
            },
            new Watched([], postgres.Pid, () => Task.FromResult<double?>(null)),
            time);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(WayResult[]))]
internal sealed partial class WaysJson : JsonSerializerContext;
