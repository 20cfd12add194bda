using System.Text.Json;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>A node that is told to stop, or is killed, as a process of its own.</summary>
public sealed class ShutdownTests : IAsyncLifetime
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(25);

    private TestDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE kept(id uuid NOT NULL, url text)");
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_answer_all_that_it_admitted_truthfully_when_it_is_told_to_stop_under_load()
    {
        await using var node = await StartAsync();
        var clients = new Clients(node.Client, "kept");
        using var stop = new CancellationTokenSource();
        var load = clients.RunAsync(callers: 64, stop.Token);
        await Eventually.TrueAsync(() => clients.Count(201) > 1_000);

        node.Terminate();
        var exitCode = await node.ExitAsync(StopLimit);
        await stop.CancelAsync();
        await load;

        Assert.Equal(0, exitCode);
        Assert.Equal(0, clients.Count(504));
        await clients.AssertToldTheTruthAsync(database.ConnectionString);
        // Who had no answer was refused the connection, or its request was never read: nothing was admitted.
        Assert.Equal(clients.Count(201), await database.ScalarAsync<long>("SELECT count(*) FROM kept"));
    }

    [Fact]
    public async Task Should_flush_at_once_what_waits_for_its_age()
    {
        await using var node = await StartAsync(
            ("INGEST_FLUSH_INTERVAL", "30s"), ("INGEST_REQUEST_TIMEOUT", "60s"));
        var clients = new Clients(node.Client, "kept");
        var posts = Enumerable.Range(0, 40).Select(_ => clients.PostAsync()).ToList();
        await Eventually.TrueAsync(async () => await PendingAsync(node) == 40);
        var started = TimeProvider.System.GetTimestamp();

        node.Terminate();

        Assert.All(await Task.WhenAll(posts), status => Assert.Equal(201, status));
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
        Assert.Equal(0, await node.ExitAsync(StopLimit));
        Assert.Equal(40, await database.ScalarAsync<long>("SELECT count(*) FROM kept"));
    }

    [Fact]
    public async Task Should_refuse_what_comes_while_it_stops_and_still_write_what_it_has()
    {
        await using var node = await StartAsync();
        var clients = new Clients(node.Client, "kept");
        Assert.Equal(201, await clients.PostAsync());
        await using var held = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await held.OpenAsync();
        await using (var command = new NpgsqlCommand("BEGIN; LOCK TABLE kept IN ACCESS EXCLUSIVE MODE", held))
            await command.ExecuteNonQueryAsync();
        var waiting = clients.PostAsync();
        await Eventually.TrueAsync(async () => await PendingAsync(node) == 1);

        node.Terminate();
        await Eventually.TrueAsync(async () => await node.Client.ReadinessAsync() != 200);
        // Until its door is closed it takes rows in, and these wait for the lock as well.
        var late = new List<Task<int>>();
        await Eventually.TrueAsync(async () =>
        {
            late.Add(clients.PostAsync());
            await Task.WhenAny(late[^1], Task.Delay(TimeSpan.FromSeconds(1)));
            return late[^1].IsCompleted;
        });

        Assert.Contains(await late[^1], new[] { 503, Clients.NoAnswer });
        Assert.False(waiting.IsCompleted);
        await held.CloseAsync();
        Assert.Equal(201, await waiting);
        await Task.WhenAll(late);
        Assert.Equal(0, await node.ExitAsync(StopLimit));
        await clients.AssertToldTheTruthAsync(database.ConnectionString);
        Assert.Equal(clients.Count(201), await database.ScalarAsync<long>("SELECT count(*) FROM kept"));
    }

    [Fact]
    public async Task Should_lose_no_acknowledged_row_when_the_node_is_killed_under_load()
    {
        await using var node = await StartAsync();
        var clients = new Clients(node.Client, "kept");
        using var stop = new CancellationTokenSource();
        var load = clients.RunAsync(callers: 32, stop.Token);
        await Eventually.TrueAsync(() => clients.Count(201) > 1_000);

        await node.KillAsync();
        await stop.CancelAsync();
        await load;
        // A transaction of the killed node may still be under way: its backend notices within half a second.
        await Eventually.TrueAsync(async () => await database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ingest' AND datname = current_database()")
            == 0);

        await clients.AssertToldTheTruthAsync(database.ConnectionString);
        await using var next = await StartAsync();
        Assert.Equal(201, (await next.Client.PostAsync("kept", $$"""{"id":"{{Guid.NewGuid()}}"}""")).Status);
    }

    [Fact]
    public async Task Should_take_over_the_server_of_a_killed_node_with_all_rows()
    {
        using var data = new TemporaryDirectory();
        await using (var node = await StartAsync(("INGEST_POSTGRES", ""), ("INGEST_DATA", data.Path)))
        {
            Assert.Equal(201, (await node.Client.PostAsync("clicks", """{"url":"before"}""")).Status);
            await node.KillAsync();
        }

        await using var next = await StartAsync(("INGEST_POSTGRES", ""), ("INGEST_DATA", data.Path));
        var answer = await next.Client.PostAsync("clicks", """{"url":"after"}""");
        var connection = await File.ReadAllTextAsync(Path.Combine(data.Path, "postgres", "connection"));
        await using var source = NpgsqlDataSource.Create(connection.Trim());
        await using var command = source.CreateCommand("SELECT string_agg(url, ',' ORDER BY at) FROM clicks");
        var urls = await command.ExecuteScalarAsync();

        Assert.Equal(201, answer.Status);
        Assert.Equal("before,after", urls);
        next.Terminate();
        Assert.Equal(0, await next.ExitAsync(StopLimit));
    }

    private static async Task<long> PendingAsync(NodeProcess node) =>
        await node.Client.AccountAsync("kept") is { ValueKind: JsonValueKind.Object } account
            ? account.GetProperty("pending").GetInt64()
            : 0;

    private Task<NodeProcess> StartAsync(params (string Name, string Value)[] settings) =>
        NodeProcess.StartAsync([("INGEST_POSTGRES", database.ConnectionString), .. settings]);
}
