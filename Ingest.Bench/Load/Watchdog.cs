namespace Ingest.Bench.Load;

/// <summary>
/// Ends connections whose answer is overdue. One timer looks at all of them now and then: a timer or a cancellation
/// token for each request would cost more than the request.
/// </summary>
public sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly List<Watch> watches = [];
    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private readonly ITimer timer;
    private bool endsAll;

    /// <param name="limit">How long an answer may take.</param>
    public Watchdog(TimeSpan limit, TimeProvider time)
    {
        this.limit = limit;
        this.time = time;
        timer = time.CreateTimer(_ => Look(), null, Period, Period);
    }

    /// <summary>A new watch on nothing, for one worker.</summary>
    public Watch NewWatch()
    {
        var watch = new Watch();
        lock (gate) watches.Add(watch);
        return watch;
    }

    /// <summary>Ends every connection that waits for an answer, now and from now on.</summary>
    public void EndAll()
    {
        Volatile.Write(ref endsAll, true);
        Look();
    }

    public void Dispose() => timer.Dispose();

    private void Look()
    {
        lock (gate)
        {
            foreach (var watch in watches) watch.EndIfOverdue(time, Volatile.Read(ref endsAll) ? TimeSpan.Zero : limit);
        }
    }

    /// <summary>What one worker waits for.</summary>
    public sealed class Watch
    {
        private long since;
        private Watched? watched;

        /// <summary>Watches a connection, which is ended when its answer is overdue; null watches none.</summary>
        /// <param name="awaitingSince">The timestamp since which an answer is awaited, 0 when none is, where
        /// <see cref="Since"/> is not used to say so.</param>
        public void Over(IDisposable? connection, Func<long>? awaitingSince = null) =>
            Volatile.Write(ref watched, connection is null ? null : new Watched(connection, awaitingSince));

        /// <summary>An answer is awaited since a timestamp; 0 when none is.</summary>
        public void Since(long timestamp) => Volatile.Write(ref since, timestamp);

        internal void EndIfOverdue(TimeProvider time, TimeSpan limit)
        {
            if (Volatile.Read(ref watched) is not { } now) return;
            var from = now.AwaitingSince?.Invoke() ?? Volatile.Read(ref since);
            if (from != 0 && time.GetElapsedTime(from) >= limit) now.Connection.Dispose();
        }

        private sealed record Watched(IDisposable Connection, Func<long>? AwaitingSince);
    }
}
