using System.Globalization;
using Ingest.Node.Embedded;
using Ingest.Tests.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Ingest.Tests.Embedded;

/// <summary>What a node finds in its data directory when the one before it ended without a goodbye.</summary>
public sealed class TakeoverTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory temporary = new();

    private string Cluster => Path.Combine(temporary.Path, "postgres", "cluster");

    public void Dispose() => temporary.Dispose();

    [Fact]
    public async Task Should_take_over_the_server_that_a_killed_node_left()
    {
        var left = await LeaveServerAsync();

        await using var postgres = await StartAsync();

        Assert.Equal(left.Pid, Postmaster.Read(Cluster)!.Pid);
        Assert.Equal(left.Port, new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Port);
        Assert.Equal(0L, await CountAsync(postgres));
    }

    [Fact]
    public async Task Should_run_in_a_session_that_the_nodes_control_c_does_not_reach()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var left = await LeaveServerAsync();

        // The line is "pid (name) state parent group session ...", by proc(5).
        var fields = (await File.ReadAllTextAsync($"/proc/{left.Pid}/stat")).Split(' ');

        Assert.Equal(fields[0], fields[4]);
        Assert.Equal(fields[0], fields[5]);
    }

    [Fact]
    public async Task Should_end_a_server_that_was_taken_over()
    {
        var left = await LeaveServerAsync();

        await (await StartAsync()).DisposeAsync();

        Assert.False(left.IsRunning);
    }

    [Fact]
    public async Task Should_recover_what_a_killed_server_left()
    {
        var left = await LeaveServerAsync();
        left.Kill();
        await Eventually.TrueAsync(() => !left.IsRunning);

        await using var postgres = await StartAsync();

        Assert.NotEqual(left.Pid, Postmaster.Read(Cluster)!.Pid);
        Assert.Equal(0L, await CountAsync(postgres));
    }

    [Fact]
    public async Task Should_start_when_another_process_has_the_dead_servers_pid()
    {
        await (await StartAsync()).DisposeAsync();
        using var ending = new CancellationTokenSource();
        var account = await ServerAccount.ChooseAsync(CancellationToken.None);
        var pidFile = Path.Combine(temporary.Path, "pid");
        // By the server's own user: PostgreSQL itself ignores the processes of others.
        await File.WriteAllTextAsync(pidFile, "");
        await account.TakeOwnershipAsync(pidFile, CancellationToken.None);
        var other = account.RunAsync(
            ["/bin/sh", "-c", "echo $$ > \"$1\"; exec sleep 60", "sh", pidFile], ending.Token);
        await Eventually.TrueAsync(() => File.ReadAllText(pidFile).EndsWith('\n'));
        var pid = (await File.ReadAllTextAsync(pidFile)).Trim();
        await File.WriteAllTextAsync(
            Postmaster.FileIn(Cluster), $"{pid}\n{Cluster}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready   \n");
        await account.TakeOwnershipAsync(Postmaster.FileIn(Cluster), CancellationToken.None);

        await using var postgres = await StartAsync();

        Assert.NotEqual(
            int.Parse(pid, NumberStyles.None, CultureInfo.InvariantCulture), Postmaster.Read(Cluster)!.Pid);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
    }

    [Fact]
    public async Task Should_make_anew_what_initdb_left_half_done()
    {
        Directory.CreateDirectory(Cluster + ".new");
        await File.WriteAllTextAsync(Path.Combine(Cluster + ".new", "PG_VERSION"), "15\n");

        await using var postgres = await StartAsync();

        Assert.Equal(0L, await CountAsync(postgres));
        Assert.False(Directory.Exists(Cluster + ".new"));
    }

    /// <summary>The state after a node's kill -9: the server runs, the lock is free, nothing has been cleared
    /// up.</summary>
    private async Task<Postmaster> LeaveServerAsync()
    {
        var account = await ServerAccount.ChooseAsync(CancellationToken.None);
        var binaries = await PostgresBinaries.FindAsync(null, major: null, CancellationToken.None);
        using var directory = ServerDirectory.Open(temporary.Path, passThrough: true);
        await directory.InitializeAsync(binaries, account, CancellationToken.None);
        var server = new PostgresServer(binaries, account, directory, Patience, TimeProvider.System);
        return await server.EnsureRunningAsync(FreePort.Take(), CancellationToken.None);
    }

    private Task<EmbeddedPostgres> StartAsync() => EmbeddedPostgres.StartAsync(
        new EmbeddedPostgresOptions { DataDirectory = temporary.Path },
        NullLogger.Instance, TimeProvider.System, CancellationToken.None);

    private static async Task<object?> CountAsync(EmbeddedPostgres postgres)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var command = source.CreateCommand("SELECT count(*) FROM clicks");
        return await command.ExecuteScalarAsync();
    }
}
