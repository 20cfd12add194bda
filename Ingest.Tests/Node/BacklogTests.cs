using System.Diagnostics;
using System.Text.Json;
using Ingest.Tests.Observability;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>Accepted rows that cannot be written: a table that is locked for all, and a journal that is
/// damaged.</summary>
public sealed class BacklogTests : IAsyncLifetime
{
    private const int Limit = 8 * 1024;

    // What the catalog is asked about a table: a partition, a sequence, a default, a generated column, a trigger.
    private const string Tables = """
        CREATE TABLE kept (id bigserial, number int NOT NULL CHECK (number > 0), text text DEFAULT 'none',
            twice int GENERATED ALWAYS AS (number * 2) STORED, PRIMARY KEY (id, number)) PARTITION BY RANGE (number);
        CREATE TABLE kept_all PARTITION OF kept DEFAULT
        """;

    private static readonly (string, string) OfTable = ("ingest_table", "kept");

    private readonly string row = $$"""{"number":1,"text":"{{new string('x', 1_000)}}"}""";
    private TestDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(Tables);
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_start_and_accept_up_to_the_limit_while_a_table_is_locked_for_all()
    {
        await using var locker = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await locker.BeginTransactionAsync();
        await ExecuteAsync(locker, "LOCK TABLE kept IN ACCESS EXCLUSIVE MODE");
        await using var node = await TestNode.StartAsync(
            database.ConnectionString, ("INGEST_JOURNAL_BACKLOG_BYTES", $"{Limit}B"), ("INGEST_LANES", "1"))
            .WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(200, await node.Client.ReadinessAsync());

        var receipts = new List<string>();
        Answer answer;
        while ((answer = await AcceptAsync(node.Client)).Status == 202) receipts.Add(ReceiptOf(answer));

        // A tuple is a little longer than its text of 1,000 bytes.
        Assert.Equal((429, Limit / 1_000), (answer.Status, receipts.Count));
        await Eventually.TrueAsync(async () =>
            (await Scrape.OfAsync(node.Http)).Sum("ingest_journal_rows", OfTable) == receipts.Count);
        var held = (await Scrape.OfAsync(node.Http)).Sum("ingest_journal_bytes", OfTable);
        Assert.InRange(held, receipts.Count * 1_000, Limit);
        var since = Stopwatch.GetTimestamp();
        Assert.Equal("pending", await StatusAsync(node.Client, receipts[0], "300ms"));
        Assert.True(Stopwatch.GetElapsedTime(since) >= TimeSpan.FromMilliseconds(300), "it did not wait");
        foreach (var wait in new[] { "61s", "NaNs", "-1s", "5" })
        {
            using var refused = await node.Http.GetAsync($"/v1/receipts/{receipts[0]}?wait={wait}");
            Assert.Equal((wait, 400), (wait, (int)refused.StatusCode));
        }

        var ends = receipts.Select(receipt => StatusAsync(node.Client, receipt, "30s")).ToList();
        await transaction.RollbackAsync();
        Assert.All(await Task.WhenAll(ends), status => Assert.Equal("committed", status));
        Assert.Equal(receipts.Count, await database.ScalarAsync<long>("SELECT count(*) FROM kept"));
        await Eventually.TrueAsync(async () => await Scrape.OfAsync(node.Http) is var empty
            && empty.Sum("ingest_journal_rows", OfTable) == 0 && empty.Sum("ingest_journal_bytes", OfTable) == 0);
        Assert.Equal(202, (await AcceptAsync(node.Client)).Status);
    }

    [Fact]
    public async Task Should_stop_a_lane_at_a_flipped_event_and_go_on_behind_it_when_it_is_forgiven()
    {
        (string, string)[] settings = [("INGEST_POSTGRES", database.ConnectionString), ("INGEST_LANES", "1")];
        var receipts = new List<string>();
        await using (var locker = await database.DataSource.OpenConnectionAsync())
        {
            await using var transaction = await locker.BeginTransactionAsync();
            await ExecuteAsync(locker, "LOCK TABLE kept IN SHARE MODE");
            await using var first = await NodeProcess.StartAsync(settings);
            // One after the other: an event each.
            for (var i = 0; i < 3; i++) receipts.Add(ReceiptOf(await AcceptAsync(first.Client)));
            await first.KillAsync();
            // What the node had sent would be carried out as soon as the lock is gone.
            await Eventually.TrueAsync(async () => await database.ScalarAsync<long>("""
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE application_name = 'ingest' AND datname = current_database()
                """) == 0);
        }

        var flipped = await FlipAsync();
        await using var node = await TestNode.StartAsync(database.ConnectionString, settings);

        await Eventually.TrueAsync(
            async () => (await StoppedAsync(node)).Contains($"event {flipped}:", StringComparison.Ordinal));
        var refused = await node.PostAsync("kept", row);
        Assert.NotEqual(201, refused.Status);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM kept"));

        await database.ExecuteAsync($"UPDATE ingest.journals SET forgiven = {flipped} WHERE lane = 'kept/0'");

        await Eventually.TrueAsync(async () => await StoppedAsync(node) == "");
        Assert.Equal(201, (await node.PostAsync("kept", row)).Status);
        foreach (var receipt in receipts[..2])
            Assert.Equal("committed", await StatusAsync(node.Client, receipt, "20s"));
        Assert.Equal("pending", await StatusAsync(node.Client, receipts[2], "0s"));
        Assert.Equal(3, await database.ScalarAsync<long>("SELECT count(*) FROM kept"));
    }

    /// <summary>Changes a byte within the tuple of the last event that has rows.</summary>
    /// <returns>Its sequence number.</returns>
    private Task<long> FlipAsync() => database.ScalarAsync<long>("""
        UPDATE ingest.lane_journal SET message = set_byte(message, 900, get_byte(message, 900) # 1)
         WHERE ordering = (SELECT ordering FROM ingest.lane_journal
                            WHERE persistence_id LIKE '%kept/0' AND length(message) > 1000
                            ORDER BY sequence_number DESC LIMIT 1)
        RETURNING sequence_number
        """);

    private static async Task<string> StoppedAsync(TestNode node)
    {
        var accounting = JsonSerializer.Deserialize<JsonElement>(await node.Http.GetStringAsync("/v1/accounting"));
        return accounting.TryGetProperty("stopped", out var lanes) ? lanes.GetRawText() : "";
    }

    private async Task<Answer> AcceptAsync(RowClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/tables/kept/rows");
        request.Headers.Add("Prefer", "respond-async");
        request.Content = new StringContent(row, null, "application/json");
        using var response = await client.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static string ReceiptOf(Answer answer) => answer.Json.GetProperty("receipt").GetString()!;

    private static async Task<string> StatusAsync(RowClient client, string receipt, string wait)
    {
        var answer = await client.Http.GetStringAsync($"/v1/receipts/{receipt}?wait={wait}");
        return JsonSerializer.Deserialize<JsonElement>(answer).GetProperty("status").GetString()!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
