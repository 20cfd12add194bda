using Ingest.Node.Embedded;

namespace Ingest.Tests.Postgres;

/// <summary>
/// A PostgreSQL server of a test's own, which it may kill, stop and start again on the same port. It is not supervised:
/// what the test has stopped stays stopped. The database <c>ingest</c> has the table <c>clicks</c>.
/// </summary>
public sealed class OwnServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ServerDirectory directory;
    private readonly PostgresServer server;
    private readonly TemporaryDirectory temporary;
    private readonly int port;

    private OwnServer(TemporaryDirectory temporary, ServerDirectory directory, PostgresServer server, int port)
    {
        this.temporary = temporary;
        this.directory = directory;
        this.server = server;
        this.port = port;
        ConnectionString = ConnectionFiles.ConnectionString(
            port, directory.ReadPassword(), ConnectionFiles.Database);
    }

    /// <summary>A superuser's connection string to the database <c>ingest</c>; it holds over stops and
    /// starts.</summary>
    public string ConnectionString { get; }

    public static async Task<OwnServer> StartAsync()
    {
        var temporary = new TemporaryDirectory();
        var account = await ServerAccount.ChooseAsync(CancellationToken.None);
        var binaries = await PostgresBinaries.FindAsync(null, major: null, CancellationToken.None);
        var directory = ServerDirectory.Open(temporary.Path, passThrough: true);
        await directory.InitializeAsync(binaries, account, CancellationToken.None);
        var server = new PostgresServer(binaries, account, directory, Patience, TimeProvider.System);
        var port = FreePort.Take();
        await server.EnsureRunningAsync(port, CancellationToken.None);
        await DemoDatabase.EnsureAsync(port, directory.ReadPassword(), CancellationToken.None);
        return new OwnServer(temporary, directory, server, port);
    }

    /// <summary>Kills the server's first process by SIGKILL; its backends notice that and end a moment later.</summary>
    public async Task KillAsync()
    {
        server.Running?.Kill();
        await Eventually.TrueAsync(() => server.Running is null);
    }

    /// <summary>As a crash, though an orderly one: connections end at once, the next start recovers from the
    /// WAL.</summary>
    public Task StopImmediateAsync() => server.StopAsync(StopMode.Immediate, Patience, CancellationToken.None);

    /// <summary>Starts it on the port that it had, also where it was not stopped; returns when it accepts connections.
    /// It may be refused while the remains of a killed one are still there.</summary>
    public async Task StartAgainAsync() => await Eventually.DoneAsync<EmbeddedPostgresException>(
        async () => await server.EnsureRunningAsync(port, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        await StopImmediateAsync();
        directory.Dispose();
        temporary.Dispose();
    }
}
