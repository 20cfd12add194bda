using System.Net;
using System.Net.Sockets;

namespace Ingest.Node.Embedded;

/// <summary>
/// A PostgreSQL server of the node's own, for a node that was not given one. It is an installed PostgreSQL with its
/// data in the node's data directory, on 127.0.0.1 with a random password; it is durable, and it is started again when
/// it dies.
/// </summary>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    // A free port can be taken by another process before the server has it, but hardly again and again.
    private const int PortAttempts = 5;

    private readonly EmbeddedPostgresOptions options;
    private readonly ServerDirectory directory;
    private readonly PostgresServer server;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock stopLock = new();
    private readonly Task supervision;
    private Task? stopped;

    private EmbeddedPostgres(
        EmbeddedPostgresOptions options, ServerDirectory directory, PostgresServer server, Postmaster postmaster,
        ILogger logger, TimeProvider time)
    {
        this.options = options;
        this.directory = directory;
        this.server = server;
        this.logger = logger;
        ConnectionString = ConnectionFiles.ConnectionString(
            postmaster.Port, directory.ReadPassword(), ConnectionFiles.Database);
        supervision = new Supervisor(server, options, logger, time).RunAsync(postmaster, stopping.Token);
    }

    /// <summary>A superuser's connection string (Npgsql) to the database <c>ingest</c>; it holds until the
    /// end.</summary>
    public string ConnectionString { get; }

    /// <summary>
    /// Starts the server, or takes over the one that a killed node left running. The first time, it makes the data
    /// directory and the demo table <c>clicks</c>. Writes <c>{data}/postgres/connection</c> and <c>url</c>, readable by
    /// the node's user only.
    /// </summary>
    /// <param name="options">Where and how.</param>
    /// <param name="logger">Told of starts, deaths and stops.</param>
    /// <param name="time">For the supervisor's pauses.</param>
    /// <param name="cancellation">Ends the start-up, and the server with it.</param>
    /// <exception cref="EmbeddedPostgresException">It cannot be done; the message is one line and says what to
    /// do.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(
        EmbeddedPostgresOptions options, ILogger logger, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (OperatingSystem.IsWindows())
            throw new EmbeddedPostgresException("There is no embedded PostgreSQL on Windows: set INGEST_POSTGRES.");
        var account = await ServerAccount.ChooseAsync(cancellation);
        var directory = ServerDirectory.Open(options.DataDirectory, passThrough: account.Owner is not null);
        PostgresServer? server = null;
        try
        {
            var binaries = await PostgresBinaries.FindAsync(
                options.BinariesDirectory, directory.Major, cancellation);
            if (directory.Major is null)
                EmbeddedPostgresLog.Initializing(logger, binaries.Major, binaries.Directory, directory.Cluster);
            await directory.InitializeAsync(binaries, account, cancellation);
            server = new PostgresServer(binaries, account, directory, options.StartTimeout, time);
            var postmaster = await StartOnFreePortAsync(server, options.Port, logger, cancellation);
            EmbeddedPostgresLog.Started(logger, binaries.Major, postmaster.Port, postmaster.Pid);
            await DemoDatabase.EnsureAsync(postmaster.Port, directory.ReadPassword(), cancellation);
            ConnectionFiles.Write(directory, postmaster.Port);
            return new EmbeddedPostgres(options, directory, server, postmaster, logger, time);
        }
        catch
        {
            if (server is not null)
                await server.StopAsync(StopMode.Fast, options.StopTimeout, CancellationToken.None);
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Ends the server by a fast shutdown; call it after everything that writes has drained.</summary>
    /// <param name="cancellation">Makes the shutdown immediate; the next start then recovers from the WAL.</param>
    public Task StopAsync(CancellationToken cancellation)
    {
        lock (stopLock)
            return stopped ??= StopOnceAsync(cancellation);
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task StopOnceAsync(CancellationToken cancellation)
    {
        await stopping.CancelAsync();
        try
        {
            await supervision;
        }
        catch (OperationCanceledException)
        {
            // The supervisor ends in no other way.
        }
        finally
        {
            await server.StopAsync(StopMode.Fast, options.StopTimeout, cancellation);
            ConnectionFiles.Remove(directory);
            directory.Dispose();
            stopping.Dispose();
            EmbeddedPostgresLog.Stopped(logger);
        }
    }

    private static async Task<Postmaster> StartOnFreePortAsync(
        PostgresServer server, int wanted, ILogger logger, CancellationToken cancellation)
    {
        if (server.Running is { } left)
            EmbeddedPostgresLog.TakingOver(logger, left.Pid);
        for (var attempt = 1; ; attempt++)
        {
            var port = wanted != 0 ? wanted : FreePort();
            try
            {
                return await server.EnsureRunningAsync(port, cancellation);
            }
            catch (EmbeddedPostgresException) when (wanted == 0 && attempt < PortAttempts && IsTaken(port))
            {
                EmbeddedPostgresLog.PortTaken(logger, port);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool IsTaken(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
