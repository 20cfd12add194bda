using System.IO.Pipelines;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// Ends the wait for a stream that brings no row for too long. What counts is whole rows: who sends a byte now and then
/// is idle. Time that the node takes for itself, when it does not read, does not count.
/// </summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly PipeReader body;
    private readonly TimeSpan limit;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private TimeSpan waited;
    private long waitsSince;

    public IdleWatch(PipeReader body, TimeSpan limit, TimeProvider time)
    {
        (this.body, this.limit, this.time) = (body, limit, time);
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

    public void Dispose() => timer.Dispose();

    private void End()
    {
        HasEnded = true;
        body.CancelPendingRead();
    }
}
