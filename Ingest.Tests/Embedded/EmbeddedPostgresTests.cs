// CA1416: what is tested here does not exist on Windows.
#pragma warning disable CA1416

using System.Net;
using Ingest.Node.Embedded;
using Ingest.Tests.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Ingest.Tests.Embedded;

public sealed class EmbeddedPostgresTests : IDisposable
{
    private readonly TemporaryDirectory temporary = new();

    private string Root => Path.Combine(temporary.Path, "postgres");

    private Postmaster? Running => Postmaster.Read(Path.Combine(Root, "cluster")) is { IsRunning: true } postmaster
        ? postmaster
        : null;

    public void Dispose() => temporary.Dispose();

    [Fact]
    public async Task Should_start_fresh_with_the_demo_table_and_durable_settings()
    {
        await using var postgres = await StartAsync();

        await using var connection = await OpenAsync(postgres.ConnectionString);
        await ExecuteAsync(connection, "INSERT INTO clicks(url) VALUES ('https://example.org')");

        Assert.Equal(1L, await ScalarAsync(connection, "SELECT count(*) FROM clicks WHERE id IS NOT NULL"));
        Assert.Equal("on", await ScalarAsync(connection, "SHOW fsync"));
        Assert.Equal("on", await ScalarAsync(connection, "SHOW synchronous_commit"));
        Assert.Equal("on", await ScalarAsync(connection, "SHOW data_checksums"));
        Assert.Equal("UTF8", await ScalarAsync(connection, "SHOW server_encoding"));
        Assert.Equal("500ms", await ScalarAsync(connection, "SHOW client_connection_check_interval"));
        Assert.Equal("127.0.0.1", await ScalarAsync(connection, "SHOW listen_addresses"));
        Assert.Equal("", await ScalarAsync(connection, "SHOW unix_socket_directories"));
    }

    [Fact]
    public async Task Should_let_nobody_in_without_the_password()
    {
        await using var postgres = await StartAsync();

        var guess = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Password = "postgres" };

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => OpenAsync(guess.ConnectionString));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Fact]
    public async Task Should_tell_its_connection_to_its_user_alone_while_it_runs()
    {
        var file = Path.Combine(Root, "connection");
        await using (var postgres = await StartAsync())
        {
            Assert.Equal(postgres.ConnectionString, (await File.ReadAllTextAsync(file)).Trim());
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Root, "password")));
        }

        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task Should_keep_the_data_over_a_restart()
    {
        await using (var first = await StartAsync())
        await using (var connection = await OpenAsync(first.ConnectionString))
            await ExecuteAsync(connection, "INSERT INTO clicks(url) VALUES ('kept')");

        await using var second = await StartAsync();

        await using var again = await OpenAsync(second.ConnectionString);
        Assert.Equal("kept", await ScalarAsync(again, "SELECT url FROM clicks"));
    }

    [Fact]
    public async Task Should_not_make_a_dropped_demo_table_again()
    {
        await using (var first = await StartAsync())
        await using (var connection = await OpenAsync(first.ConnectionString))
            await ExecuteAsync(connection, "DROP TABLE clicks");

        await using var second = await StartAsync();

        await using var again = await OpenAsync(second.ConnectionString);
        Assert.Equal(true, await ScalarAsync(again, "SELECT to_regclass('clicks') IS NULL"));
    }

    [Fact]
    public async Task Should_end_the_server_on_dispose()
    {
        var postgres = await StartAsync();
        var postmaster = Running;

        await postgres.DisposeAsync();

        Assert.NotNull(postmaster);
        Assert.False(postmaster.IsRunning);
        Assert.False(File.Exists(Path.Combine(Root, "cluster", "postmaster.pid")));
    }

    [Fact]
    public async Task Should_end_the_server_when_the_start_is_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var start = StartAsync(cancellation: cancellation.Token);
        await Eventually.TrueAsync(() => Running is not null || start.IsCompleted);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        Assert.Null(Running);
    }

    [Fact]
    public async Task Should_start_a_killed_server_again_on_its_port()
    {
        await using var postgres = await StartAsync();
        await using (var connection = await OpenAsync(postgres.ConnectionString))
            await ExecuteAsync(connection, "INSERT INTO clicks(url) VALUES ('survives')");
        var killed = Running!;

        killed.Kill();

        await Eventually.TrueAsync(() => Running is { IsReady: true } now && now.Pid != killed.Pid);
        await using var again = await OpenAsync(postgres.ConnectionString);
        Assert.Equal("survives", await ScalarAsync(again, "SELECT url FROM clicks"));
    }

    [Fact]
    public async Task Should_take_the_port_that_is_wanted()
    {
        var port = FreePort.Take();

        await using var postgres = await StartAsync(port: port);

        Assert.Equal(port, new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Port);
    }

    [Fact]
    public async Task Should_say_that_the_wanted_port_is_taken()
    {
        using var other = new System.Net.Sockets.TcpListener(IPAddress.Loopback, port: 0);
        other.Start();

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => StartAsync(port: ((IPEndPoint)other.LocalEndpoint).Port));

        Assert.Contains("did not start on port", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task Should_refuse_a_data_directory_that_another_node_uses()
    {
        await using var first = await StartAsync();

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Contains("Another node uses", refusal.Message, StringComparison.Ordinal);
        Assert.NotNull(Running);
    }

    [Fact]
    public async Task Should_refuse_the_data_of_another_version()
    {
        await using (await StartAsync())
        {
        }
        await File.WriteAllTextAsync(Path.Combine(Root, "cluster", "PG_VERSION"), "12\n");

        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());

        Assert.Contains("made by PostgreSQL 12", refusal.Message, StringComparison.Ordinal);
    }

    private Task<EmbeddedPostgres> StartAsync(int port = 0, CancellationToken cancellation = default) =>
        EmbeddedPostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = temporary.Path, Port = port },
            NullLogger.Instance, TimeProvider.System, cancellation);

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        // A pool would hand out connections to a server that has been killed since.
        var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
