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
        // All that is in flight is to be held: the limits are above the burst, and nobody gives up before the lock goes.
        using var node = await stage.StartNodeAsync($"burst-{database}", database, new Dictionary<string, string>
        {
            ["INGEST_IN_FLIGHT_ROWS"] = "4000000",
            ["INGEST_IN_FLIGHT_BYTES"] = "1GiB",
            ["INGEST_STREAM_CHUNKS"] = "4096",
            ["INGEST_BUFFER_BYTES"] = "1GiB",
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
                    while (run.Tally.Sent < Rows && !sending.IsCompleted)
                    {
                        await Task.Delay(Interval, stage.Time, cancellation);
                        peak = Math.Max(peak, ProcessorTime.MemoryOf(node.Pid));
                    }

                    // Sent is not yet received: until the node has counted all of them, or has stopped reading.
                    for (var i = 0; i < 25; i++)
                    {
                        await Task.Delay(Interval, stage.Time, cancellation);
                        peak = Math.Max(peak, ProcessorTime.MemoryOf(node.Pid));
                    }

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
