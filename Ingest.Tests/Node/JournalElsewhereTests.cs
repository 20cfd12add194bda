using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>The journal is on another server than the tables: rows are accepted while the tables' server is
/// down.</summary>
public sealed class JournalElsewhereTests : IAsyncLifetime
{
    // No primary key: a row that is written twice is to be seen, not refused.
    private const string Table = "CREATE TABLE kept(id uuid NOT NULL, url text)";

    /// <summary>More than one lane takes before the next one joins in.</summary>
    private const int Rows = 25_000;

    private OwnServer target = null!;
    private OwnServer journal = null!;

    private (string, string)[] Settings =>
        [("INGEST_POSTGRES", target.ConnectionString), ("INGEST_JOURNAL", journal.ConnectionString)];

    public async Task InitializeAsync()
    {
        target = await OwnServer.StartAsync();
        journal = await OwnServer.StartAsync();
        await ScalarAsync(target, Table);
    }

    public async Task DisposeAsync()
    {
        await target.DisposeAsync();
        await journal.DisposeAsync();
    }

    [Fact]
    public async Task Should_accept_rows_while_their_server_is_down_and_write_them_once_after_a_kill()
    {
        var receipts = new List<string>();
        await using (var first = await NodeProcess.StartAsync(Settings))
        {
            // One lane alone is in use, but the others start too.
            receipts.AddRange(await AcceptAsync(first.Client, 1));
            await Eventually.TrueAsync(async () => await CountAsync() == 1);
            await Eventually.TrueAsync(async () => await ScalarAsync(
                journal, "SELECT count(DISTINCT persistence_id) FROM ingest.lane_journal") is 4L);
            await target.StopImmediateAsync();

            receipts.AddRange(await AcceptAsync(first.Client, Rows));

            Assert.Equal(1 + Rows, receipts.Count);
            using var unknown = await first.Client.Http.GetAsync($"/v1/receipts/{receipts[^1]}");
            Assert.Equal(503, (int)unknown.StatusCode);
            await first.KillAsync();
        }

        await using var second = NodeProcess.Start(Settings);
        await Eventually.TrueAsync(
            () => second.Output.Any(line => line.Contains("Waiting for PostgreSQL", StringComparison.Ordinal)));
        Assert.False(second.HasExited);
        await target.StartAgainAsync();

        // Nothing is sent to the second node: the lanes come back by themselves.
        await Eventually.TrueAsync(async () => await CountAsync() == 1 + Rows, TimeSpan.FromSeconds(45));
        foreach (var row in new[] { 0, 1, Rows / 2, Rows })
            Assert.Equal("committed", await StatusAsync(second, receipts[row]));
        Assert.Equal(1 + Rows, await CountAsync());
        Assert.Single(await AcceptAsync(second.Client, 1));
    }

    [Fact]
    public async Task Should_say_that_the_journal_is_away_and_commit_meanwhile_what_asks_to_be_accepted()
    {
        await using var node = await TestNode.StartAsync(target.ConnectionString, Settings);
        // A node that was just started has yet to join itself.
        await Eventually.TrueAsync(async () => await node.Client.ReadinessAsync() == 200);
        Assert.Equal("healthy", (await JournalHealthAsync(node)).Status);
        Assert.Single(await AcceptAsync(node.Client, 1));

        await journal.StopImmediateAsync();

        var (status, reason) = await JournalHealthAsync(node);
        Assert.Equal("degraded", status);
        Assert.Contains("journal's server does not answer", reason, StringComparison.Ordinal);
        Assert.Equal(200, await node.Client.ReadinessAsync());
        await AcceptAsync(node.Client, 1);
        await Eventually.TrueAsync(async () => await CountAsync() == 2);
        await journal.StartAgainAsync();
        await Eventually.TrueAsync(async () => (await JournalHealthAsync(node)).Status == "healthy");
    }

    private static async Task<(string? Status, string? Reason)> JournalHealthAsync(TestNode node)
    {
        var answer = await node.Http.GetFromJsonAsync<JsonElement>("/healthz/ready");
        var journal = answer.GetProperty("checks").GetProperty("journal");
        Assert.Equal(answer.GetProperty("status").GetString(), journal.GetProperty("status").GetString());
        return (journal.GetProperty("status").GetString(), journal.GetProperty("reason").GetString());
    }

    /// <summary>Sends rows in one request.</summary>
    /// <returns>The receipts of those that were accepted.</returns>
    private static async Task<List<string>> AcceptAsync(RowClient node, int rows)
    {
        var lines = string.Concat(
            Enumerable.Range(0, rows).Select(_ => $"{{\"id\":\"{Guid.NewGuid()}\",\"url\":\"u\"}}\n"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/tables/kept/rows")
        {
            Content = new StringContent(lines, Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.Add("Prefer", "respond-async");
        using var response = await node.Http.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        return [.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .Where(verdict => verdict.TryGetProperty("receipt", out _))
            .Select(verdict => verdict.GetProperty("receipt").GetString()!)];
    }

    private static async Task<string> StatusAsync(NodeProcess node, string receipt)
    {
        var answer = await node.Client.Http.GetStringAsync($"/v1/receipts/{receipt}?wait=10s");
        return JsonSerializer.Deserialize<JsonElement>(answer).GetProperty("status").GetString()!;
    }

    private async Task<long> CountAsync() => (long)(await ScalarAsync(target, "SELECT count(*) FROM kept"))!;

    private static async Task<object?> ScalarAsync(OwnServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
