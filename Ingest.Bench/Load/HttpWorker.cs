using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Ingest.Bench.Load;

/// <summary>One of the load's connections that sends a row a request and waits for its answer.</summary>
public sealed class HttpWorker
{
    private const int BufferBytes = 8 * 1024;

    private readonly LoadRun run;
    private readonly Watchdog.Watch watch;
    private readonly BodyStart body = new();
    private HttpConnection? connection;
    private long lastUse;
    private int? retryAfterSeconds;

    public HttpWorker(LoadRun run)
    {
        this.run = run;
        watch = run.Watchdog.NewWatch();
    }

    /// <summary>Sends rows until the load has none left. Never throws for what a server or a network can do.</summary>
    public async Task RunAsync()
    {
        // The first await must not run all of the load on the thread that starts the workers.
        await Task.Yield();
        try
        {
            while (run.Pacer.TryTake(out var row))
            {
                if (!await run.Pacer.WaitAsync(row)) break;
                if (!await CreateAsync(row)) break;
            }
        }
        finally
        {
            Drop();
        }
    }

    /// <summary>Sends a row until it has its outcome.</summary>
    /// <returns>False where there is no server to send to.</returns>
    private async ValueTask<bool> CreateAsync(long row)
    {
        if (run.Pacer.IsPaced) DropIfStale();
        connection ??= await OpenAsync();
        if (connection is null) return false;
        run.Tally.CountSent();
        var start = run.Pacer.LatencyStart(row);
        var outcome = await ExchangeAsync(row);
        if (outcome == RowOutcome.Refused) outcome = await RetryAsync(row);
        if (outcome != RowOutcome.NoAnswer) run.Latency.Record(start, run.Time.GetTimestamp());
        run.Tally.Settle(outcome);
        return true;
    }

    /// <summary>Sends a refused row again until it is not refused any more, or the load gives it up.</summary>
    private async Task<RowOutcome> RetryAsync(long row)
    {
        var retry = new Backoff(run.Time, run.Options.RetryFor);
        while (!retry.IsOver)
        {
            await retry.PauseAsync(retryAfterSeconds, run.Stopping);
            if (run.Stopping.IsCancellationRequested) break;
            DropIfStale();
            connection ??= await OpenAsync();
            if (connection is null) break;
            run.Tally.CountRetry();
            var outcome = await ExchangeAsync(row);
            if (outcome != RowOutcome.Refused) return outcome;
        }
        return RowOutcome.Refused;
    }

    /// <summary>One request and its answer.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RowOutcome> ExchangeAsync(long row)
    {
        watch.Since(run.Time.GetTimestamp());
        try
        {
            await connection!.SendAsync(run.Requests[row]);
            await connection.ReadResponseAsync(body);
        }
        catch (Exception e)
            when (e is SocketException or IOException or InvalidDataException or ObjectDisposedException)
        {
            Drop();
            return RowOutcome.NoAnswer;
        }
        finally
        {
            watch.Since(0);
        }
        var response = connection.Response;
        retryAfterSeconds = response.RetryAfterSeconds;
        lastUse = run.Time.GetTimestamp();
        if (response.Status is not (201 or 202)) run.Judge(response.Status, body.ToString());
        if (!response.KeepsAlive) Drop();
        return Tally.OutcomeOf(response.Status);
    }

    private async ValueTask<HttpConnection?> OpenAsync()
    {
        var opened = await run.ConnectAsync(BufferBytes);
        watch.Over(opened);
        lastUse = run.Time.GetTimestamp();
        return opened;
    }

    /// <summary>
    /// A server closes connections that rest for long; a row sent into a closed one would count as unanswered, though
    /// it never reached anybody.
    /// </summary>
    private void DropIfStale()
    {
        if (connection is null || run.Time.GetElapsedTime(lastUse) < TimeSpan.FromSeconds(1)) return;
        if (!connection.IsUsable()) Drop();
    }

    private void Drop()
    {
        watch.Over(null);
        connection?.Dispose();
        connection = null;
    }
}
