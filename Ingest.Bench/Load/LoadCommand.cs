using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Ingest.Bench.Load;

/// <summary>
/// One load from end to end: counts the table's rows, sends the load while a view shows it, counts again, and reports.
/// </summary>
public sealed class LoadCommand(LoadOptions options, RowCount? count, TimeProvider time)
{
    /// <summary>How long accepted rows may take into the table once the last has been accepted.</summary>
    private static readonly TimeSpan AcceptedWithin = TimeSpan.FromSeconds(60);

    private string? countProblem = count is null
        ? "no connection string: give --postgres, INGEST_POSTGRES, or a data directory with an embedded server"
        : null;

    /// <summary>The count is not wanted, and its absence no failure.</summary>
    public bool WaivesCount { get; init; }

    /// <summary>Runs the load; cancellation ends it early, with a report of what was done.</summary>
    /// <param name="show">Shows the running load until its token is cancelled; it then has the last word on
    /// screen.</param>
    public async Task<LoadReport> RunAsync(
        Func<LoadRun, CancellationToken, Task> show, CancellationToken cancellation)
    {
        var before = await CountAsync(cancellation);
        using var run = new LoadRun(options, time);
        using var shown = new CancellationTokenSource();
        await using var stop = cancellation.Register(run.Stop);
        var showing = show(run, shown.Token);
        var cpu = CpuTime();
        var start = time.GetTimestamp();
        await run.RunAsync();
        var elapsed = time.GetElapsedTime(start);
        cpu = CpuTime() - cpu;
        await shown.CancelAsync();
        await showing;
        return Report(run, elapsed, cpu, await CheckAsync(before, run.Tally));
    }

    private static TimeSpan CpuTime()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }

    private async Task<long?> CountAsync(CancellationToken cancellation)
    {
        if (count is null || countProblem is not null || WaivesCount) return null;
        try
        {
            return await count.CountAsync(cancellation);
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException or OperationCanceledException)
        {
            countProblem = e.Message;
            return null;
        }
    }

    /// <summary>Counts again; where rows were accepted, until they have all arrived or have taken too long.</summary>
    private async Task<RowCountCheck> CheckAsync(long? before, Tally tally)
    {
        if (WaivesCount) return new RowCountCheck(CountVerdict.Waived, null, null, 0, 0, null);
        var start = time.GetTimestamp();
        while (before is { } rows && await CountAsync(CancellationToken.None) is { } after)
        {
            var check = RowCountCheck.Compare(rows, after, tally);
            var mayGrow = tally.Accepted > 0 && after - rows < check.LeastAdded;
            if (!mayGrow || time.GetElapsedTime(start) > AcceptedWithin) return check;
            await Task.Delay(TimeSpan.FromSeconds(1), time);
        }
        return RowCountCheck.NotChecked(countProblem ?? "the table could not be counted");
    }

    private LoadReport Report(LoadRun run, TimeSpan elapsed, TimeSpan cpu, RowCountCheck check) => new()
    {
        Via = options.Via.ToString().ToLower(CultureInfo.InvariantCulture),
        Table = options.Table,
        Connections = options.Connections,
        Window = options.Via is LoadVia.Ndjson or LoadVia.Grpc ? options.Window : 1,
        TargetRate = options.Rate,
        Rows = options.Rows,
        Sent = run.Tally.Sent,
        Committed = run.Tally.Committed,
        Accepted = run.Tally.Accepted,
        Rejected = run.Tally.Rejected,
        Retried = run.Tally.Retried,
        NotWritten = run.Tally.NotWritten,
        Unknown = run.Tally.Unknown,
        NoAnswer = run.Tally.NoAnswer,
        ElapsedSeconds = elapsed.TotalSeconds,
        RowsPerSecond = (run.Tally.Committed + run.Tally.Accepted) / Math.Max(elapsed.TotalSeconds, 1e-6),
        LatencyMicroseconds = run.Latency.Total(),
        GeneratorCpuSeconds = cpu.TotalSeconds,
        Count = check,
        Failure = run.Failure,
        FirstProblem = run.FirstProblem,
    };
}
