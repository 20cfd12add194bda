namespace Ingest.Bench.Load;

/// <summary>
/// Hands out the rows of a load, each once, and says when each is to be sent.
/// <para>
/// In an open loop row <c>k</c> has the intended time <c>start + k / rate</c>, whatever the server does. A row that is sent
/// late, because every connection was waiting for a slow answer, is measured from its intended time: otherwise the rows
/// that a stall holds up would be left out of the latencies ("coordinated omission", Gil Tene, "How NOT to Measure
/// Latency", 2013). A row may be sent up to one millisecond early, for timers are no finer, and then counts from its sending.
/// </para>
/// </summary>
public sealed class Pacer
{
    private readonly long rows;
    private readonly TimeProvider time;
    private readonly double ticksPerRow;
    private readonly long slackTicks;
    private long start;
    private long next;
    private volatile bool stopped;

    /// <param name="rows">The rows in all.</param>
    /// <param name="rate">Rows per second; null for a closed loop, where each row is due at once.</param>
    public Pacer(long rows, double? rate, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        if (rate is { } given) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(given);
        this.rows = rows;
        this.time = time;
        IsPaced = rate is not null;
        ticksPerRow = rate is { } perSecond ? time.TimestampFrequency / perSecond : 0;
        slackTicks = time.TimestampFrequency / 1_000;
        start = time.GetTimestamp();
    }

    public bool IsPaced { get; }

    /// <summary>No row will be handed out any more.</summary>
    public bool IsExhausted => stopped || Volatile.Read(ref next) >= rows;

    /// <summary>Begins the schedule now; called once, when the connections are there.</summary>
    public void Start() => start = time.GetTimestamp();

    /// <summary>Hands out no further row.</summary>
    public void Stop() => stopped = true;

    /// <summary>Takes the next row, due or not.</summary>
    public bool TryTake(out long row)
    {
        row = stopped ? rows : Interlocked.Increment(ref next) - 1;
        return row < rows;
    }

    /// <summary>Takes the next row if it is due.</summary>
    public bool TryTakeDue(out long row)
    {
        while (true)
        {
            row = Volatile.Read(ref next);
            if (stopped || row >= rows || (IsPaced && time.GetTimestamp() < IntendedAt(row) - slackTicks)) return false;
            if (Interlocked.CompareExchange(ref next, row + 1, row) == row) return true;
        }
    }

    /// <summary>Waits until a taken row is due.</summary>
    /// <returns>False where the load is stopped first: the row is not to be sent.</returns>
    public async ValueTask<bool> WaitAsync(long row, CancellationToken stopping)
    {
        try
        {
            while (IsPaced && !stopping.IsCancellationRequested && UntilDue(row) is { Ticks: > 0 } wait)
                await Task.Delay(wait, time, stopping);
            return !stopping.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>How long until the next row that has not been taken is due, in whole milliseconds; 0 if it is.</summary>
    public TimeSpan UntilNextDue() => IsPaced ? UntilDue(Volatile.Read(ref next)) : TimeSpan.Zero;

    /// <summary>The timestamp from which a row's latency counts, if it is sent now.</summary>
    public long LatencyStart(long row)
    {
        var now = time.GetTimestamp();
        return IsPaced ? Math.Min(now, IntendedAt(row)) : now;
    }

    private long IntendedAt(long row) => start + (long)(row * ticksPerRow);

    private TimeSpan UntilDue(long row)
    {
        var ticks = IntendedAt(row) - time.GetTimestamp();
        return TimeSpan.FromMilliseconds(Math.Max(0, ticks / slackTicks));
    }
}
