using System.Net;
using System.Net.Sockets;
using Ingest.Node.Embedded;
using Npgsql;

namespace Ingest.Bench.Processes;

/// <summary>
/// The run's own PostgreSQL server, durable as the embedded one, but supervised by nobody: what a fault has stopped
/// stays stopped. It listens on a socket in the run's directory too, which nodes in network namespaces can reach.
/// </summary>
internal sealed class RunPostgres : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly ServerDirectory directory;
    private readonly PostgresServer server;
    private readonly TimeProvider time;
    private readonly int port;
    private readonly string connection;

    private RunPostgres(ServerDirectory directory, PostgresServer server, TimeProvider time, int port)
    {
        this.directory = directory;
        this.server = server;
        this.time = time;
        this.port = port;
        connection = ConnectionFiles.ConnectionString(port, directory.ReadPassword(), ConnectionFiles.Database);
        Source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection)
        {
            ApplicationName = "bench",
            Timeout = 5,
            CommandTimeout = 60,
        });
    }

    /// <summary>The server's first process; 0 where it does not run.</summary>
    public int Pid => server.Running?.Pid ?? 0;

    /// <summary>A superuser's connections, for the run itself.</summary>
    public NpgsqlDataSource Source { get; }

    public static async Task<RunPostgres> StartAsync(
        RunDirectory run, TimeProvider time, CancellationToken cancellation)
    {
        var account = await ServerAccount.ChooseAsync(cancellation);
        var binaries = await PostgresBinaries.FindAsync(null, major: null, cancellation);
        var directory = ServerDirectory.Open(run.Path, passThrough: account.Owner is not null);
        await directory.InitializeAsync(binaries, account, cancellation);
        await File.AppendAllTextAsync(
            Path.Combine(directory.Cluster, "postgresql.conf"),
            // The password counts for the socket too; the server's own directory is open to nobody else.
            $"\nunix_socket_directories = '{directory.LogDirectory}'\n",
            cancellation);
        var server = new PostgresServer(binaries, account, directory, Patience, time);
        var port = FreePort();
        await server.EnsureRunningAsync(port, cancellation);
        await DemoDatabase.EnsureAsync(port, directory.ReadPassword(), cancellation);
        return new RunPostgres(directory, server, time, port);
    }

    /// <summary>A TCP port that nobody listens on at the moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A node's connection string, by which its sessions can be told from the others'.</summary>
    /// <param name="viaSocket">The node has a network of its own, but the file system is the same.</param>
    /// <param name="database">Another than the usual one.</param>
    public string ConnectionFor(string node, bool viaSocket = false, string? database = null)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection) { ApplicationName = node };
        if (database is not null) settings.Database = database;
        if (viaSocket) settings.Host = directory.LogDirectory;
        return settings.ConnectionString;
    }

    /// <summary>As a crash: SIGQUIT to the server's first process. Returns when it is gone.</summary>
    public async Task CrashAsync()
    {
        if (server.Running is not { } postmaster) return;
        await Shell.SignalAsync(postmaster.Pid, "QUIT");
        while (server.Running is not null) await Task.Delay(Interval, time);
        // What is in the pool is broken, and would be handed out once more.
        Source.Clear();
    }

    /// <summary>Starts it on the port that it had; returns when it accepts connections.</summary>
    public async Task StartAgainAsync()
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                await server.EnsureRunningAsync(port, CancellationToken.None);
                return;
            }
            catch (EmbeddedPostgresException) when (time.GetElapsedTime(since) < Patience)
            {
                // Backends of the crashed server are still there, and hold its memory.
                await Task.Delay(Interval, time);
            }
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await server.StopAsync(StopMode.Immediate, Patience, CancellationToken.None);
        directory.Dispose();
    }
}
