using System.Net;
using System.Text;
using System.Text.Json;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>Rows that are accepted: they outlive their node, and their receipts tell the truth.</summary>
public sealed class AcceptedTests : IAsyncLifetime
{
    // No primary key: a row that is written twice is to be seen, not refused.
    private const string Tables = "CREATE TABLE kept(id uuid NOT NULL, url text CHECK (url <> 'bad'))";

    private const int Rows = 2_000;

    private TestDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await ExecuteAsync(Tables);
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_write_accepted_rows_exactly_once_though_the_node_is_killed_while_the_table_is_locked()
    {
        using var http = new HttpClient();
        List<string> receipts;
        await using (var first = await NodeProcess.StartAsync(("INGEST_POSTGRES", database.ConnectionString)))
        {
            await using var locker = new NpgsqlConnection(database.ConnectionString);
            await locker.OpenAsync();
            await using var transaction = await locker.BeginTransactionAsync();
            // This lock lets the catalog be read and nothing be written.
            await using (var command = new NpgsqlCommand("LOCK TABLE kept IN SHARE MODE", locker, transaction))
                await command.ExecuteNonQueryAsync();
            var lines = string.Concat(Enumerable.Range(0, Rows).Select(row =>
                $"{{\"id\":\"{Guid.NewGuid()}\",\"url\":\"{(row == 7 ? "bad" : "good")}\"}}\n"));
            receipts = await AcceptAsync(http, first.Client.Http.BaseAddress!, lines);
            Assert.Equal(Rows, receipts.Count);
            Assert.Equal("pending", (await ReceiptAsync(http, first.Client.Http.BaseAddress!, receipts[0])).Status);

            await first.KillAsync();
            await using var second = await NodeProcess.StartAsync(("INGEST_POSTGRES", database.ConnectionString));
            var node = second.Client.Http.BaseAddress!;
            Assert.Equal("pending", (await ReceiptAsync(http, node, receipts[0])).Status);
            await transaction.RollbackAsync();

            // Nothing is sent to the second node: the lanes come back by themselves.
            await Eventually.TrueAsync(async () => await CountAsync() == Rows - 1, TimeSpan.FromSeconds(45));
            foreach (var row in new[] { 0, 1, Rows / 2, Rows - 1 })
                Assert.Equal("committed", (await ReceiptAsync(http, node, receipts[row])).Status);
            var bad = await ReceiptAsync(http, node, receipts[7]);
            Assert.Equal(("rejected", "23514"), (bad.Status, bad.SqlState));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(http, node, receipts[7][..^1] + "!"));
        }

        Assert.Equal(Rows - 1, await CountAsync());
    }

    private static async Task<List<string>> AcceptAsync(HttpClient http, Uri node, string lines)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node, "/v1/tables/kept/rows"))
        {
            Content = new StringContent(lines, Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.Add("Prefer", "respond-async");
        using var response = await http.SendAsync(request);
        Assert.Equal("respond-async", response.Headers.GetValues("Preference-Applied").Single());
        var verdicts = (await response.Content.ReadAsStringAsync()).TrimEnd().Split('\n')[..^1];
        return [.. verdicts.Select(line => JsonDocument.Parse(line).RootElement)
            .Where(verdict => verdict.GetProperty("status").GetInt32() == 202)
            .Select(verdict => verdict.GetProperty("receipt").GetString()!)];
    }

    private static async Task<(string Status, string? SqlState)> ReceiptAsync(HttpClient http, Uri node, string receipt)
    {
        var text = await http.GetStringAsync(new Uri(node, $"/v1/receipts/{receipt}"));
        var answer = JsonDocument.Parse(text).RootElement;
        var sqlState = answer.TryGetProperty("error", out var error) ? error.GetProperty("sqlstate").GetString() : null;
        return (answer.GetProperty("status").GetString()!, sqlState);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Uri node, string receipt)
    {
        using var response = await http.GetAsync(new Uri(node, $"/v1/receipts/{receipt}"));
        return response.StatusCode;
    }

    private async Task<long> CountAsync()
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM kept", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
