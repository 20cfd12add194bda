using System.Collections.Concurrent;

namespace Ingest.Bench.Load;

/// <summary>One of the load's connections that streams rows; opens a new stream where one broke.</summary>
public sealed class NdjsonWorker
{
    private const int BufferBytes = 64 * 1024;

    private readonly LoadRun run;
    private readonly Watchdog.Watch watch;

    public NdjsonWorker(LoadRun run)
    {
        this.run = run;
        watch = run.Watchdog.NewWatch();
        // A stream that broke early must not be tried again at once for as many rows as the window holds.
        Reopening = new Backoff(run.Time, run.Options.RetryFor);
    }

    /// <summary>Rows that were refused (429, 503) and wait to be sent again; they outlive a stream.</summary>
    private ConcurrentQueue<RefusedRow> Refused { get; } = new();

    private Backoff Reopening { get; set; }

    /// <summary>Streams rows until the load has none left. Never throws for what a server or a network can
    /// do.</summary>
    public async Task RunAsync()
    {
        await Task.Yield();
        while (!run.Stopping.IsCancellationRequested && !(run.Pacer.IsExhausted && Refused.IsEmpty))
        {
            using var connection = await run.ConnectAsync(BufferBytes);
            if (connection is null) break;
            using var stream = new StreamedRequest(run, connection, Refused);
            watch.Over(connection, () => stream.AwaitingSince);
            await stream.RunAsync();
            watch.Over(null);
            if (stream.IsClean) continue;
            if (stream.HadVerdicts) Reopening = new Backoff(run.Time, run.Options.RetryFor);
            if (Reopening.IsOver) run.Fail("The streams end before any verdict.");
            else await Reopening.PauseAsync(stream.RetryAfterSeconds, run.Stopping);
        }
        // Whatever is left here was refused last: it is not in the table.
        while (Refused.TryDequeue(out _)) run.Tally.Settle(RowOutcome.Refused);
    }
}

/// <summary>A refused row and the timestamp from which it may be sent again.</summary>
public readonly record struct RefusedRow(StreamRow Row, long NotBefore);
