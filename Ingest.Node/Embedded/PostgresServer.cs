using System.Globalization;

namespace Ingest.Node.Embedded;

/// <summary>How a server is asked to end; the names are those of <c>pg_ctl stop -m</c>.</summary>
internal enum StopMode
{
    /// <summary>Transactions are rolled back and a checkpoint is written.</summary>
    Fast,

    /// <summary>As a crash: nothing is written, and the next start recovers from the WAL. No committed row is
    /// lost.</summary>
    Immediate,
}

/// <summary>
/// Starts and ends the server of one directory. The server is no child of the node and has a session of its own, which
/// pg_ctl gives it: the Ctrl-C that ends the node must not reach it before the node has drained.
/// </summary>
internal sealed class PostgresServer(
    PostgresBinaries binaries,
    ServerAccount account,
    ServerDirectory directory,
    TimeSpan startTimeout,
    TimeProvider time)
{
    private const long LongestLogBytes = 8 * 1024 * 1024;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>The server that runs in the directory, or null.</summary>
    public Postmaster? Running => Postmaster.Read(directory.Cluster) is { IsRunning: true } postmaster
        ? postmaster
        : null;

    /// <summary>Takes over the server that runs already, else starts one, and waits until it accepts
    /// connections.</summary>
    /// <param name="port">The port for a new server; one that runs already keeps its own.</param>
    /// <param name="cancellation">Ends the waiting; the server may then be left in the middle of its start.</param>
    /// <exception cref="EmbeddedPostgresException">It did not start; the message has the server's reason.</exception>
    public async Task<Postmaster> EnsureRunningAsync(int port, CancellationToken cancellation)
    {
        if (Running is not null && await WaitUntilReadyAsync(cancellation) is { } takenOver)
            return takenOver;
        // What is left names a dead server, and PostgreSQL refuses to start when another process has its pid by now.
        // Whether backends of the dead one still live is seen by their shared memory, not by this file.
        File.Delete(Postmaster.FileIn(directory.Cluster));
        var logged = KeepLogShort();
        var result = await account.RunAsync(
            [
                binaries.PgCtl, "start", "-w", "-s", "-t", Seconds(startTimeout), "-D", directory.Cluster,
                "-l", directory.Log, "-o", $"-p {port}",
            ],
            cancellation);
        if (!result.Succeeded)
            throw new EmbeddedPostgresException(
                $"PostgreSQL did not start on port {port}: {Reason(logged) ?? result.Cause} (see {directory.Log})");
        return Running
            ?? throw new EmbeddedPostgresException($"PostgreSQL started and ended at once (see {directory.Log})");
    }

    /// <summary>Ends the server, and waits until it is gone; returns at once when there is none.</summary>
    /// <param name="mode">How; <see cref="StopMode.Fast"/> becomes immediate when it takes too long.</param>
    /// <param name="timeout">How long it may take before the next harder way is taken.</param>
    /// <param name="cancellation">Ends the patience, not the stopping.</param>
    public async Task StopAsync(StopMode mode, TimeSpan timeout, CancellationToken cancellation)
    {
        if (mode == StopMode.Fast && Running is not null)
        {
            try
            {
                await PgCtlStopAsync("fast", timeout, cancellation);
            }
            catch (OperationCanceledException)
            {
                // The caller has no time left: the immediate shutdown below takes none and loses nothing.
            }
        }
        if (Running is not null)
            await PgCtlStopAsync("immediate", timeout, CancellationToken.None);
        Running?.Kill();
    }

    private Task<CommandResult> PgCtlStopAsync(string mode, TimeSpan timeout, CancellationToken cancellation) =>
        account.RunAsync(
            [binaries.PgCtl, "stop", "-w", "-s", "-m", mode, "-t", Seconds(timeout), "-D", directory.Cluster],
            cancellation);

    /// <summary>Waits for a server that is on its way up; null when it ends instead.</summary>
    private async Task<Postmaster?> WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (Running is { } postmaster)
        {
            if (postmaster.IsReady)
                return postmaster;
            if (time.GetElapsedTime(started) > startTimeout)
                throw new EmbeddedPostgresException(
                    $"PostgreSQL (process {postmaster.Pid}) is still {postmaster.Status} after {startTimeout}.");
            await Task.Delay(PollInterval, time, cancellation);
        }
        return null;
    }

    /// <summary>Puts a long log aside; one older one is kept.</summary>
    /// <returns>The length of the log in bytes, after which this start's lines will be.</returns>
    private long KeepLogShort()
    {
        var log = new FileInfo(directory.Log);
        if (!log.Exists)
            return 0;
        if (log.Length <= LongestLogBytes)
            return log.Length;
        log.MoveTo(directory.Log + ".1", overwrite: true);
        return 0;
    }

    /// <summary>The server's own reason for not starting, which pg_ctl does not repeat.</summary>
    private string? Reason(long logged)
    {
        if (!File.Exists(directory.Log))
            return null;
        using var log = new StreamReader(directory.Log);
        log.BaseStream.Seek(logged, SeekOrigin.Begin);
        var lines = log.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries);
        return Array.FindLast(lines, line => line.Contains("FATAL", StringComparison.Ordinal));
    }

    private static string Seconds(TimeSpan time) =>
        Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
