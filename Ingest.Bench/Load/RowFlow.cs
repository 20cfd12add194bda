using System.Collections.Concurrent;

namespace Ingest.Bench.Load;

/// <summary>
/// The rows of one stream: which may be sent now, and what becomes of them. At most <see cref="LoadOptions.Window"/>
/// are without a verdict. What the stream speaks is another's business.
/// </summary>
/// <param name="refused">Rows that were refused and wait to be sent again; they outlive the stream.</param>
public sealed class RowFlow(LoadRun run, ConcurrentQueue<RefusedRow> refused) : IDisposable
{
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefusedSleep = TimeSpan.FromMilliseconds(50);

    private readonly StreamWindow window = new(run.Options.Window);
    private readonly SemaphoreSlim verdictsCame = new(0);
    private long verdicts;

    public bool HadVerdicts => Volatile.Read(ref verdicts) > 0;

    /// <summary>Rows without a verdict.</summary>
    public int Unsettled => window.Count;

    /// <summary>The timestamp of the oldest row without a verdict; 0 where there is none.</summary>
    public long OldestSent => window.OldestSent;

    /// <summary>No row is left to be sent, and none can come back refused.</summary>
    public bool IsDone =>
        window.Count == 0 && (run.Stopping.IsCancellationRequested || (run.Pacer.IsExhausted && refused.IsEmpty));

    /// <summary>Rows that may be taken now, as far as the window goes.</summary>
    public int Free => window.Free;

    /// <summary>Takes the next row that may be sent now; it counts as sent.</summary>
    public bool TryTake(out StreamRow row)
    {
        if (!TryTakeRow(out row)) return false;
        window.Add(row);
        return true;
    }

    /// <summary>Waits until verdicts have come, or a row may have become due.</summary>
    public Task WaitAsync() => verdictsCame.WaitAsync(UntilNextRow());

    /// <summary>Wakes who waits.</summary>
    public void Wake()
    {
        if (verdictsCame.CurrentCount == 0) verdictsCame.Release();
    }

    /// <summary>The oldest row has its verdict.</summary>
    /// <param name="number">Its number in the stream, from 1.</param>
    /// <param name="status">An HTTP status.</param>
    /// <param name="text">What the verdict said, for people; null where the row was written.</param>
    /// <exception cref="InvalidDataException">The verdict is for another row.</exception>
    public RowOutcome Settle(long number, int status, string? text)
    {
        verdicts++;
        var row = window.Take(number);
        var outcome = Tally.OutcomeOf(status);
        if (outcome is not (RowOutcome.Committed or RowOutcome.Accepted)) run.Judge(status, text ?? "");
        if (outcome == RowOutcome.Refused)
        {
            SendAgain(row);
            return outcome;
        }

        run.Latency.Record(row.Start, run.Time.GetTimestamp());
        run.Tally.Settle(outcome);
        return outcome;
    }

    /// <summary>The stream has ended: the rows without a verdict have this outcome.</summary>
    public void SettleRest(RowOutcome outcome)
    {
        while (window.TryTakeOldest(out var row))
        {
            if (outcome == RowOutcome.Refused) SendAgain(row);
            else run.Tally.Settle(outcome);
        }
    }

    public void Dispose() => verdictsCame.Dispose();

    private bool TryTakeRow(out StreamRow row)
    {
        row = default;
        if (run.Stopping.IsCancellationRequested) return false;
        if (refused.TryPeek(out var again) && run.Time.GetTimestamp() >= again.NotBefore
            && refused.TryDequeue(out again))
        {
            run.Tally.CountRetry();
            row = again.Row with { Sent = run.Time.GetTimestamp() };
            return true;
        }
        if (!run.Pacer.TryTakeDue(out var next)) return false;
        run.Tally.CountSent();
        row = new StreamRow(next, run.Pacer.LatencyStart(next), run.Time.GetTimestamp());
        return true;
    }

    /// <summary>How long the sender may sleep if no verdict makes room first.</summary>
    private TimeSpan UntilNextRow()
    {
        if (window.Free == 0) return Timeout.InfiniteTimeSpan;
        var wait = run.Pacer.IsExhausted ? LongestSleep : run.Pacer.UntilNextDue();
        var longest = refused.IsEmpty ? LongestSleep : RefusedSleep;
        return wait < ShortestSleep ? ShortestSleep : wait > longest ? longest : wait;
    }

    private void SendAgain(StreamRow row)
    {
        if (run.Time.GetElapsedTime(row.Start) >= run.Options.RetryFor)
        {
            run.Tally.Settle(RowOutcome.Refused);
            return;
        }
        // A verdict carries no Retry-After; a stream is slowed down before it is refused, so a second is not too long.
        var pause = new Backoff(run.Time, run.Options.RetryFor).Next(1);
        var notBefore = run.Time.GetTimestamp() + (long)(pause.TotalSeconds * run.Time.TimestampFrequency);
        refused.Enqueue(new RefusedRow(row, notBefore));
    }
}
