using System.Text.Json;
using Ingest.Tests.Observability;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>The numbers at <c>/metrics</c> add up: with each other, with the accounting, with what callers were told,
/// and with the table.</summary>
[Collection(nameof(Alone))]
public sealed class MetricsTests(MetricsTests.Fixture fixture) : IClassFixture<MetricsTests.Fixture>
{
    private const string Table = "measured";

    private static readonly (string, string) OfTable = ("ingest_table", Table);

    private readonly TestNode node = fixture.Node;
    private readonly TestDatabase database = fixture.Database;

    [Fact]
    public async Task Should_reconcile_after_a_load_with_faults()
    {
        var before = await Scrape.OfAsync(node.Http);
        Assert.Equal(0, before.Sum("ingest_rows_received_total", OfTable));
        Assert.True(before.Sum("db_client_connection_max", ("db_client_connection_pool_name", "ingest")) > 0);

        var told = new List<int>();
        told.AddRange(await StreamAsync(rows: 300));
        told.AddRange(await StrikeAsync());
        told.AddRange(await LockAsync(rows: 20));
        var first = await RepeatAsync();
        var again = await RepeatAsync();
        told.Add(first.Status);
        await Eventually.TrueAsync(async () => (await node.AccountAsync(Table)).GetProperty("pending").GetInt64() == 0);

        var account = await node.AccountAsync(Table);
        // The age of the oldest row is looked at ten times a second.
        await Eventually.TrueAsync(async () => await Scrape.OfAsync(node.Http) is var now
            && now.Sum("ingest_rows_pending", OfTable) == 0
            && now.Sum("ingest_gateway_oldest_row_age_seconds") == 0);
        var after = await Scrape.OfAsync(node.Http);
        Assert.Equal((201, 201, first.Body), (first.Status, again.Status, again.Body));
        foreach (var name in new[] { "received", "committed", "not_written", "unknown", "repeated" })
            Assert.Equal(Of(account, name), Rows(after, name));
        Assert.Equal(Of(account, "rejected"), Rows(after, "rejected"));
        Assert.Equal(
            Rows(after, "received"),
            Rows(after, "committed") + Rows(after, "rejected") + Rows(after, "not_written") + Rows(after, "unknown"));

        Assert.Equal(await database.ScalarAsync<long>($"SELECT count(*) FROM {Table}"), Rows(after, "committed"));
        Assert.Equal((told.Count, 1), (Rows(after, "received"), Rows(after, "repeated")));
        Assert.Equal(told.Count(status => status == 201), Rows(after, "committed"));
        Assert.Equal(told.Count(status => status == 503), Rows(after, "not_written"));
        Assert.Equal(told.Count(status => status == 400), Rejected(after, "invalid"));
        Assert.Equal(told.Count(status => status == 409), Rejected(after, "unique"));
        Assert.Equal(told.Count(status => status == 422), Rejected(after, "check"));
        Assert.True(Rows(after, "not_written") >= 20, "rows were given up on while the table was locked");

        Assert.True(Events(after, "retry") >= 2, "both the strike and the lock made a lane try again");
        Assert.Equal(
            after.Sum("ingest_batch_flushes_total", OfTable), after.Sum("ingest_batch_rows_count", OfTable));
        Assert.True(
            after.Sum("ingest_batch_copy_duration_seconds_count", OfTable) >= 1, "a batch with bad rows is copied");
        Assert.True(
            after.Sum("ingest_batch_attempts_total", OfTable) > after.Sum("ingest_batch_flushes_total", OfTable),
            "bad rows cost more than one statement");
        Assert.Equal(0, after.Sum("ingest_gateway_in_flight_rows"));
        Assert.Equal(500_000, after.Sum("ingest_gateway_in_flight_rows_limit"));
        Assert.Equal(0, after.Sum("ingest_gateway_oldest_row_age_seconds"));
        Assert.Equal(1, after.Sum("ingest_lanes", OfTable));
    }

    [Fact]
    public async Task Should_tell_of_its_process_its_server_and_its_connections_too()
    {
        await node.PostAsync(Table, """{"number":1}""");

        var scrape = await Scrape.OfAsync(node.Http);

        foreach (var name in new[] { "dotnet_gc_", "kestrel_active_connections", "http_server_", "db_client_" })
            Assert.True(scrape.Has(name), name);
    }

    /// <summary>Lines of which each 50th fails a check of the node's, of the table's, or repeats a key.</summary>
    private async Task<IEnumerable<int>> StreamAsync(int rows)
    {
        var ids = Enumerable.Range(0, rows).Select(_ => Guid.NewGuid()).ToArray();
        var lines = Enumerable.Range(0, rows).Select(row => (row % 50) switch
        {
            1 => $$"""{"id":"{{ids[row]}}","number":"none"}""",
            2 => $$"""{"id":"{{ids[row]}}","number":0}""",
            3 => $$"""{"id":"{{ids[row - 3]}}","number":3}""",
            _ => $$"""{"id":"{{ids[row]}}","number":{{row + 1}}}""",
        });
        var answer = await node.PostAsync(Table, string.Join('\n', lines), "application/x-ndjson");
        return answer.Lines.SkipLast(1).Select(line => line.GetProperty("status").GetInt32()).ToList();
    }

    /// <summary>Ends the server's process that is writing just then.</summary>
    private async Task<IEnumerable<int>> StrikeAsync()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await LockAsync(connection);
        var rows = Enumerable.Range(0, 8).Select(_ => PostAsync()).ToList();
        await Eventually.TrueAsync(async () => await database.ScalarAsync<long>("""
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE application_name = 'ingest' AND wait_event_type = 'Lock' AND datname = current_database()
            """) > 0);
        await transaction.RollbackAsync();
        return await Task.WhenAll(rows);
    }

    /// <summary>Keeps the table locked until its rows are given up on, and looks at what the node says of itself
    /// meanwhile.</summary>
    private async Task<IEnumerable<int>> LockAsync(int rows)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await LockAsync(connection);
        var posts = Enumerable.Range(0, rows).Select(_ => PostAsync()).ToList();
        await Eventually.TrueAsync(async () =>
        {
            using var ready = await node.Http.GetAsync(new Uri("/healthz/ready", UriKind.Relative));
            var health = JsonSerializer.Deserialize<JsonElement>(await ready.Content.ReadAsStringAsync());
            var check = health.GetProperty("checks").GetProperty("oldest-row");
            return ready.IsSuccessStatusCode && check.GetProperty("status").GetString() == "degraded"
                && check.GetProperty("reason").GetString()!.Contains(Table, StringComparison.Ordinal);
        });
        var scrape = await Scrape.OfAsync(node.Http);
        Assert.True(scrape.Sum("ingest_gateway_oldest_row_age_seconds", OfTable) >= 1);
        Assert.True(scrape.Sum("ingest_lane_oldest_row_age_seconds", OfTable) >= 1);
        Assert.Equal(
            (rows, rows, rows),
            (scrape.Sum("ingest_rows_pending", OfTable), scrape.Sum("ingest_lane_rows", OfTable),
                scrape.Sum("ingest_gateway_in_flight_rows")));
        var told = await Task.WhenAll(posts);
        await transaction.RollbackAsync();
        return told;
    }

    private static async Task LockAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand($"LOCK TABLE {Table}", connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<int> PostAsync() => (await node.PostAsync(Table, """{"number":1}""")).Status;

    private async Task<Answer> RepeatAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/tables/{Table}/rows");
        request.Headers.Add("Idempotency-Key", "once");
        request.Content = new StringContent("""{"number":77}""", null, "application/json");
        using var response = await node.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static long Rows(Scrape scrape, string what) => scrape.Sum($"ingest_rows_{what}_total", OfTable);

    private static long Rejected(Scrape scrape, string reason) =>
        scrape.Sum("ingest_rows_rejected_total", OfTable, ("ingest_reason", reason));

    private static long Events(Scrape scrape, string happened) =>
        scrape.Sum("ingest_lane_events_total", OfTable, ("ingest_event", happened));

    private static long Of(JsonElement account, string name) =>
        account.GetProperty(name == "not_written" ? "notWritten" : name).GetInt64();

    public sealed class Fixture() : NodeFixture(
        $"""
        CREATE TABLE {Table} (id uuid PRIMARY KEY, number int NOT NULL CHECK (number > 0))
        """,
        ("INGEST_REQUEST_TIMEOUT", "6s"), ("INGEST_OLDEST_ROW_ALARM", "1s"));
}
