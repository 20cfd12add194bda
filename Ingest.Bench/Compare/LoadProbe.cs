using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Compare;

/// <summary>What a measurement looks at, beside the load itself.</summary>
/// <param name="Servers">The processes that are measured: one, or a gateway and a batcher.</param>
/// <param name="Postgres">The first process of the PostgreSQL server.</param>
/// <param name="AllocatedAsync">Bytes that the server has allocated since its start; null where it does not
/// tell.</param>
internal sealed record Watched(IReadOnlyList<int> Servers, int Postgres, Func<Task<double?>> AllocatedAsync);

/// <summary>
/// Measures a load in its steady state: it runs for the warm-up, is looked at twice, and ends. What connections do at
/// their start and end is outside.
/// </summary>
internal static class LoadProbe
{
    public static async Task<Sample> MeasureAsync(
        LoadOptions options, Watched watched, TimeSpan warmUp, TimeSpan duration, TimeProvider time,
        CancellationToken cancellation)
    {
        using var run = new LoadRun(options with { Rows = long.MaxValue / 2 }, time);
        await using var stop = cancellation.Register(run.Stop);
        var load = run.RunAsync();
        Sample sample;
        try
        {
            await Task.Delay(warmUp, time, cancellation);
            run.Latency.TakeRecent();
            var before = await LookAsync(run.Tally, watched, time);
            await Task.Delay(duration, time, cancellation);
            var after = await LookAsync(run.Tally, watched, time);
            sample = Between(before, after, run.Latency.TakeRecent(), time);
        }
        finally
        {
            run.Stop();
            await load;
        }

        if (run.Failure is { } failure) throw new RunException(failure);
        var isRejectedTooMuch = options.Bad is null && run.Tally.Rejected > 0;
        if (isRejectedTooMuch || run.Tally.Unknown + run.Tally.NoAnswer > 0)
            throw new RunException($"Rows were not taken, the first of them with: {run.FirstProblem}");
        return sample;
    }

    /// <summary>Measures something that is not a load: it says how many rows it has done.</summary>
    public static async Task<Sample> MeasureAsync(Func<Task<long>> work, Watched watched, TimeProvider time)
    {
        var before = await LookAsync(new Tally(), watched, time);
        var rows = await work();
        var after = await LookAsync(new Tally(), watched, time);
        return Between(before, after with { Rows = rows }, null, time);
    }

    private static async Task<Look> LookAsync(Tally tally, Watched watched, TimeProvider time) => new(
        time.GetTimestamp(),
        // A row that is to be refused has its verdict like any other.
        tally.Committed + tally.Accepted + tally.Rejected,
        watched.Servers.Sum(ProcessorTime.Of),
        ProcessorTime.OfFamily(watched.Postgres),
        ProcessorTime.Of(Environment.ProcessId),
        await watched.AllocatedAsync());

    private static Sample Between(Look before, Look after, LatencyPercentiles? latency, TimeProvider time)
    {
        var rows = Math.Max(1, after.Rows - before.Rows);
        return new Sample
        {
            RowsPerSecond = rows / time.GetElapsedTime(before.At, after.At).TotalSeconds,
            LatencyMicroseconds = latency,
            ServerCpuMicroseconds = (after.Server - before.Server) * 1e6 / rows,
            PostgresCpuMicroseconds = (after.Postgres - before.Postgres) * 1e6 / rows,
            GeneratorCpuMicroseconds = (after.Generator - before.Generator) * 1e6 / rows,
            AllocatedBytes = (after.Allocated - before.Allocated) / rows,
        };
    }

    private sealed record Look(
        long At, long Rows, double Server, double Postgres, double Generator, double? Allocated);
}
