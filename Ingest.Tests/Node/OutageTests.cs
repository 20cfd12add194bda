using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>A database that goes away and comes back: nobody is lied to, nothing is lost or doubled.</summary>
[Collection(nameof(Alone))]
public sealed class OutageTests(OutageTests.Fixture fixture) : IClassFixture<OutageTests.Fixture>, IAsyncLifetime
{
    // No primary key: a row that is written twice is to be seen, not refused.
    private const string Tables = "DROP TABLE IF EXISTS kept; CREATE TABLE kept(id uuid NOT NULL, url text)";

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(6);

    private readonly OwnServer server = fixture.Server;
    private TestNode node = null!;
    private Clients clients = null!;

    public async Task InitializeAsync()
    {
        await server.StartAgainAsync();
        await ExecuteAsync(Tables);
        node = await TestNode.StartAsync(
            server.ConnectionString, ("INGEST_REQUEST_TIMEOUT", "8s"), ("INGEST_ANSWER_MARGIN", "2s"));
        clients = new Clients(node.Client, "kept");
        Assert.Equal(201, await clients.PostAsync());
    }

    public Task DisposeAsync() => node.DisposeAsync().AsTask();

    [Fact]
    public async Task Should_refuse_before_the_deadline_while_the_database_is_down_and_resume_when_it_is_back()
    {
        await server.StopImmediateAsync();
        await Eventually.TrueAsync(async () => await node.Client.ReadinessAsync() == 503);

        var refused = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => clients.PostAsync()));

        Assert.All(refused, status => Assert.Equal(503, status));
        Assert.True(clients.Slowest < RequestTimeout + TimeSpan.FromSeconds(1), $"{clients.Slowest}");
        await server.StartAgainAsync();
        await Eventually.TrueAsync(async () => await clients.PostAsync() == 201, TimeSpan.FromSeconds(5));
        await Eventually.TrueAsync(async () => await node.Client.ReadinessAsync() == 200, TimeSpan.FromSeconds(5));
        await clients.AssertToldTheTruthAsync(server.ConnectionString);
        await clients.AssertBooksAgreeAsync(server.ConnectionString);
    }

    [Fact]
    public async Task Should_write_what_was_sent_during_a_short_outage_once_the_database_is_back()
    {
        await server.StopImmediateAsync();
        var posts = Enumerable.Range(0, 20).Select(_ => clients.PostAsync()).ToList();

        await server.StartAgainAsync();

        Assert.All(await Task.WhenAll(posts), status => Assert.Equal(201, status));
        await clients.AssertToldTheTruthAsync(server.ConnectionString);
    }

    [Fact]
    public async Task Should_lose_and_double_nothing_when_backends_are_terminated_under_load()
    {
        using var stop = new CancellationTokenSource();
        var load = clients.RunAsync(callers: 32, stop.Token);
        await Eventually.TrueAsync(() => clients.Count(201) > 100);
        for (var round = 0; round < 8; round++)
        {
            while (await ScalarAsync("""
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE application_name = 'ingest' AND backend_xid IS NOT NULL
                """) == 0)
            {
                // No transaction was under way just then.
            }

            // A lane that is struck again and again waits longer each time, until its rows' time is up; let it get on.
            var before = clients.Count(201);
            await Eventually.TrueAsync(() => clients.Count(201) > before + 50);
        }

        await stop.CancelAsync();
        await load;

        Assert.Equal("", string.Join(",", clients.Told.Values.Where(status => status != 201).Distinct()));
        await clients.AssertToldTheTruthAsync(server.ConnectionString);
        await clients.AssertBooksAgreeAsync(server.ConnectionString);
    }

    [Fact]
    public async Task Should_tell_the_truth_when_the_server_is_killed_under_load()
    {
        using var stop = new CancellationTokenSource();
        var load = clients.RunAsync(callers: 64, stop.Token);
        await Eventually.TrueAsync(() => clients.Count(201) > 500);

        await server.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(1));
        await server.StartAgainAsync();
        var written = clients.Count(201);
        await Eventually.TrueAsync(() => clients.Count(201) > written + 500);
        await stop.CancelAsync();
        await load;

        Assert.True(clients.Slowest < RequestTimeout + TimeSpan.FromSeconds(2), $"{clients.Slowest}");
        await clients.AssertBooksAgreeAsync(server.ConnectionString);
        await clients.AssertToldTheTruthAsync(server.ConnectionString);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<long> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>One server for all tests of the class, each of which leaves it running.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        public OwnServer Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await OwnServer.StartAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
