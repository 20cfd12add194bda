using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>
/// Takes a sample each second for all who watch, and none while nobody does. Who does not take samples away as fast as
/// they come is let go, and may come again.
/// </summary>
internal sealed class EventFeed(NodeMetrics metrics, NodeStateReader states, IHostApplicationLifetime lifetime)
    : BackgroundService
{
    /// <summary>Who may watch at a time.</summary>
    public const int MaxListeners = 64;

    /// <summary>Samples that may wait for one listener.</summary>
    private const int QueueLength = 4;

    private const int TicksBetweenStates = 5;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly List<Channel<Sample>> listeners = [];
    private bool closed;

    /// <summary>Begins to watch; end it by <see cref="Leave"/>.</summary>
    /// <returns>False where as many watch as may, or the node stops.</returns>
    public bool TryJoin([NotNullWhen(true)] out Channel<Sample>? listener)
    {
        lock (sync)
        {
            var isFull = closed || listeners.Count >= MaxListeners;
            listener = isFull ? null : Channel.CreateBounded<Sample>(QueueLength);
            if (listener is not null) listeners.Add(listener);
            return listener is not null;
        }
    }

    public void Leave(Channel<Sample> listener)
    {
        lock (sync) listeners.Remove(listener);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Requests are answered before the server stops, and those who watch have no end of their own.
        await using var end = lifetime.ApplicationStopping.UnsafeRegister(_ => Close(), null);
        using var timer = new PeriodicTimer(Tick, metrics.Time);
        NodeSnapshot? earlier = null;
        var state = new Refreshed(states);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!IsWatched())
            {
                earlier = null;
                continue;
            }

            var now = metrics.Snapshot();
            Publish(new Sample(now, earlier, state.Latest(stoppingToken)));
            earlier = now;
        }
    }

    private bool IsWatched()
    {
        lock (sync) return listeners.Count > 0;
    }

    private void Publish(Sample sample)
    {
        lock (sync)
        {
            foreach (var listener in listeners)
                if (!listener.Writer.TryWrite(sample)) listener.Writer.TryComplete();
        }
    }

    private void Close()
    {
        lock (sync)
        {
            closed = true;
            foreach (var listener in listeners) listener.Writer.TryComplete();
        }
    }

    /// <summary>Reads the state beside the ticks, every few of them, one reading at a time.</summary>
    private sealed class Refreshed(NodeStateReader states)
    {
        private Task<NodeState>? reading;
        private NodeState? latest;
        private int ticks;

        public NodeState? Latest(CancellationToken cancellation)
        {
            if (reading is { IsCompleted: true })
            {
                if (reading.IsCompletedSuccessfully) latest = reading.Result;
                reading = null;
            }

            if (reading is null && ticks++ % TicksBetweenStates == 0) reading = states.ReadAsync(cancellation);
            return latest;
        }
    }
}
