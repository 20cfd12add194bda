namespace Ingest.Node.Embedded;

/// <summary>Starts the server again on its port whenever it dies, with growing pauses while that does not
/// help.</summary>
internal sealed class Supervisor(
    PostgresServer server, EmbeddedPostgresOptions options, ILogger logger, TimeProvider time)
{
    // A server that lived for this long had started well: its death is not the last start's fault.
    private static readonly TimeSpan LivedWell = TimeSpan.FromMinutes(1);

    /// <summary>Watches the server until cancelled.</summary>
    /// <param name="postmaster">The server as it was started; its port is kept.</param>
    /// <exception cref="OperationCanceledException">The only way in which it ends.</exception>
    public async Task RunAsync(Postmaster postmaster, CancellationToken cancellation)
    {
        try
        {
            await WatchAsync(postmaster, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Nobody awaits the supervisor before the node stops, and a server without one must not go unnoticed.
            EmbeddedPostgresLog.Unsupervised(logger, e);
            throw;
        }
    }

    private async Task WatchAsync(Postmaster postmaster, CancellationToken cancellation)
    {
        using var check = new PeriodicTimer(options.CheckInterval, time);
        var backoff = options.ShortestBackoff;
        var startedAt = time.GetTimestamp();
        while (await check.WaitForNextTickAsync(cancellation))
        {
            if (postmaster.IsRunning)
                continue;
            EmbeddedPostgresLog.Died(logger, postmaster.Pid);
            if (time.GetElapsedTime(startedAt) > LivedWell)
                backoff = options.ShortestBackoff;
            Postmaster? started;
            do
            {
                // Also before the first attempt: the backends of the dead server need a moment to notice and go.
                await Task.Delay(backoff, time, cancellation);
                backoff = Longer(backoff);
                started = await TryStartAsync(postmaster.Port, backoff, cancellation);
            }
            while (started is null);
            postmaster = started;
            startedAt = time.GetTimestamp();
        }
    }

    private async Task<Postmaster?> TryStartAsync(int port, TimeSpan nextBackoff, CancellationToken cancellation)
    {
        try
        {
            var started = await server.EnsureRunningAsync(port, cancellation);
            if (started.Port != port)
            {
                // Somebody started it by hand; the node's connections go to the port that was promised.
                await server.StopAsync(StopMode.Fast, options.StopTimeout, cancellation);
                started = await server.EnsureRunningAsync(port, cancellation);
            }
            EmbeddedPostgresLog.StartedAgain(logger, started.Port, started.Pid);
            return started;
        }
        catch (Exception e) when (e is EmbeddedPostgresException or IOException or UnauthorizedAccessException)
        {
            EmbeddedPostgresLog.NotStartedAgain(logger, nextBackoff, e);
            return null;
        }
    }

    private TimeSpan Longer(TimeSpan backoff) =>
        backoff * 2 < options.LongestBackoff ? backoff * 2 : options.LongestBackoff;
}
