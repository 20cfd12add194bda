namespace Ingest.Node.Gateway.Streaming;

/// <summary>
/// Ends the wait for a stream that brings no row for too long. What counts is whole rows: who sends a byte now and then
/// is idle. Time that the node takes for itself, when it does not read, does not count.
/// </summary>
internal sealed class IdleWatch : IAsyncDisposable
{
    private readonly Action end;
    private readonly TimeSpan limit;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private TimeSpan waited;
    private long waitsSince;

    /// <param name="end">Ends the pending read, on a timer's thread: it must not throw.</param>
    public IdleWatch(Action end, TimeSpan limit, TimeProvider time)
    {
        (this.end, this.limit, this.time) = (end, limit, time);
        timer = time.CreateTimer(
            static state => ((IdleWatch)state!).End(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The pending read was cancelled by this watch.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The node begins to wait for input.</summary>
    public void Start()
    {
        waitsSince = time.GetTimestamp();
        timer.Change(waited < limit ? limit - waited : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Input is there.</summary>
    public void Stop()
    {
        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        waited += time.GetElapsedTime(waitsSince);
    }

    /// <summary>A whole row was there.</summary>
    public void Reset() => waited = TimeSpan.Zero;

    /// <summary>What ends the read may be disposed of afterwards: a call of it that is under way is waited
    /// for.</summary>
    public ValueTask DisposeAsync() => timer.DisposeAsync();

    private void End()
    {
        HasEnded = true;
        end();
    }
}
