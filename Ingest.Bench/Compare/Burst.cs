using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Compare;

/// <summary>
/// A burst of 1.5 million rows against a table that is locked: what the node's memory comes to while it holds them
/// all, and whether each is in the table once the lock is gone.
/// </summary>
internal static class Burst
{
    private const long Rows = 1_500_000;
    private const int Streams = 4;

    /// <summary>Intervals without a row sent after which the node is taken to have all of them.</summary>
    private const int Settled = 25;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    public static Group Of(BenchStage stage)
    {
        var ratios = new List<double>();
        return new Group(
            "burst",
            [
                new("burst", $"{Rows:N0} rows by NDJSON while the table is locked", async (_, cancellation) =>
                {
                    var (sample, ratio) = await MeasureAsync(stage, cancellation);
                    ratios.Add(ratio);
                    return sample;
                }),
            ],
            [])
        {
            Checks = _ => [new("memory of a burst to its tuples' bytes", Spread.Of(ratios).Median, 2, "times")],
        };
    }

    private static async Task<(Sample Sample, double Ratio)> MeasureAsync(
        BenchStage stage, CancellationToken cancellation)
    {
        var database = await stage.CreateDatabaseAsync();
        // All that is in flight is to be held: the limits are above the burst, streams are not held back while few
        // batches wait, and nobody gives up before the lock goes.
        using var node = await stage.StartNodeAsync($"burst-{database}", database, new Dictionary<string, string>
        {
            ["INGEST_IN_FLIGHT_ROWS"] = "4000000",
            ["INGEST_IN_FLIGHT_BYTES"] = "1GiB",
            ["INGEST_STREAM_CHUNKS"] = "4096",
            ["INGEST_BUFFER_BYTES"] = "1GiB",
            ["INGEST_FLUSH_EVERY"] = "1000000",
            ["INGEST_FLUSH_BYTES"] = "512MiB",
            ["INGEST_REQUEST_TIMEOUT"] = "120s",
        });
        var load = new LoadOptions
        {
            Url = node.Url,
            Via = LoadVia.Ndjson,
            Connections = Streams,
            Window = (int)(Rows / Streams),
            Rows = Rows,
            Timeout = TimeSpan.FromMinutes(3),
        };
        // Grows the node to what it needs for itself; what the burst adds is the burst's.
        using (var warm = new LoadRun(load with { Rows = 200_000, Window = 4_096 }, stage.Time)) await warm.RunAsync();
        await stage.DrainAsync(node);
        await stage.ResetAsync(database);
        var before = ProcessorTime.MemoryOf(node.Pid);
        var peak = 0L;
        using var run = new LoadRun(load, stage.Time);
        var sample = await LoadProbe.MeasureAsync(
            async () =>
            {
                var table = new RowCount(stage.Postgres.ConnectionFor("bench", database: database), "clicks");
                await using (var pause = await TableLock.TakeAsync(
                    stage.Postgres.ConnectionFor("bench", database: database), "clicks"))
                {
                    var sending = run.RunAsync();
                    // Sent is not yet received: a while longer, until the node has taken in all of them.
                    for (var still = 0; still < Settled && !sending.IsCompleted;)
                    {
                        var sent = run.Tally.Sent;
                        await Task.Delay(Interval, stage.Time, cancellation);
                        peak = Math.Max(peak, ProcessorTime.MemoryOf(node.Pid));
                        still = run.Tally.Sent > sent ? 0 : still + 1;
                    }

                    if (run.Tally.Sent < Rows)
                        throw new RunException($"The node took no more than {run.Tally.Sent:N0} of {Rows:N0} rows.");
                    await pause.ReleaseAsync();
                    await sending;
                }

                var count = await table.CountAsync(cancellation);
                if (run.Tally.Committed != Rows || count != Rows)
                    throw new RunException(
                        $"{run.Tally.Committed:N0} of {Rows:N0} rows were committed, {count:N0} are in the table: "
                        + $"{run.FirstProblem}");
                return Rows;
            },
            stage.Watch(node), stage.Time);
        var bytes = await TupleBytesAsync(stage);
        return (sample, (peak - before) / (double)(Rows * bytes));
    }

    /// <summary>The mean length of the rows' tuples, in bytes.</summary>
    private static async Task<double> TupleBytesAsync(BenchStage stage) =>
        (await RawCopy.PrepareAsync(stage.Postgres.ConnectionFor("raw"), stage.Time)).MeanBytes;
}
