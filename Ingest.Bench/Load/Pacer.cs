namespace Ingest.Bench.Load;

/// <summary>
/// Hands out the rows of a load, each once, and says when each is to be sent.
/// <para>
/// In an open loop row <c>k</c> has the intended time <c>start + k / rate</c>, whatever the server does. A row that is
/// sent late, because every connection was waiting for a slow answer, is measured from its intended time: otherwise the
/// rows that a stall holds up would be left out of the latencies ("coordinated omission", Gil Tene, "How NOT to Measure
/// Latency", 2013). A row may be sent up to 0.1 ms early, for timers are no finer, and then counts from its sending.
/// </para>
/// </summary>
public sealed class Pacer : IDisposable
{
    private static readonly TimeSpan Tick = FineTime.Resolution;

    private readonly Lock gate = new();
    private readonly PriorityQueue<TaskCompletionSource<bool>, long> waiting = new();
    private readonly ITimer timer;
    private readonly long rows;
    private readonly TimeProvider time;
    private readonly double ticksPerRow;
    private readonly long slackTicks;
    private long start;
    private long next;
    private long armedFor = long.MaxValue;
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
        slackTicks = (long)(Tick.TotalSeconds * time.TimestampFrequency);
        start = time.GetTimestamp();
        timer = time.CreateTimer(_ => ReleaseDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public bool IsPaced { get; }

    /// <summary>No row will be handed out any more.</summary>
    public bool IsExhausted => stopped || Volatile.Read(ref next) >= rows;

    /// <summary>Begins the schedule now; called once, when the connections are there.</summary>
    public void Start() => start = time.GetTimestamp();

    /// <summary>Hands out no further row; the rows that were waited for are not to be sent.</summary>
    public void Stop()
    {
        var released = new List<TaskCompletionSource<bool>>();
        lock (gate)
        {
            stopped = true;
            while (waiting.TryDequeue(out var waiter, out _)) released.Add(waiter);
        }
        foreach (var waiter in released) waiter.SetResult(false);
    }

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
            if (stopped || row >= rows || (IsPaced && !IsDue(row))) return false;
            if (Interlocked.CompareExchange(ref next, row + 1, row) == row) return true;
        }
    }

    /// <summary>
    /// Waits until a taken row is due. All waits share one timer, which sends on its thread all rows that have become
    /// due by then: a timer for each row would cost more than the row.
    /// </summary>
    /// <returns>False where the load is stopped first: the row is not to be sent.</returns>
    public ValueTask<bool> WaitAsync(long row)
    {
        if (stopped) return new(false);
        if (!IsPaced || IsDue(row)) return new(true);
        var waiter = new TaskCompletionSource<bool>();
        lock (gate)
        {
            if (stopped) return new(false);
            waiting.Enqueue(waiter, row);
            Arm();
        }
        return new(waiter.Task);
    }

    /// <summary>How long until the next row that has not been taken is due; 0 if it is.</summary>
    public TimeSpan UntilNextDue() => IsPaced ? UntilDue(Volatile.Read(ref next)) : TimeSpan.Zero;

    /// <summary>The timestamp from which a row's latency counts, if it is sent now.</summary>
    public long LatencyStart(long row)
    {
        var now = time.GetTimestamp();
        return IsPaced ? Math.Min(now, IntendedAt(row)) : now;
    }

    public void Dispose()
    {
        Stop();
        timer.Dispose();
    }

    private void ReleaseDue()
    {
        var released = new List<TaskCompletionSource<bool>>();
        lock (gate)
        {
            while (waiting.TryPeek(out var waiter, out var row) && IsDue(row))
            {
                waiting.Dequeue();
                released.Add(waiter);
            }
            armedFor = long.MaxValue;
            Arm();
        }
        foreach (var waiter in released) waiter.SetResult(true);
    }

    /// <summary>Sets the timer for the first waiting row, unless it is; under the lock.</summary>
    private void Arm()
    {
        if (!waiting.TryPeek(out _, out var first) || first >= armedFor) return;
        armedFor = first;
        var wait = UntilDue(first);
        timer.Change(wait < Tick ? Tick : wait, Timeout.InfiniteTimeSpan);
    }

    private bool IsDue(long row) => time.GetTimestamp() >= IntendedAt(row) - slackTicks;

    private long IntendedAt(long row) => start + (long)(row * ticksPerRow);

    private TimeSpan UntilDue(long row)
    {
        var (now, due) = (time.GetTimestamp(), IntendedAt(row));
        return due > now ? time.GetElapsedTime(now, due) : TimeSpan.Zero;
    }
}
