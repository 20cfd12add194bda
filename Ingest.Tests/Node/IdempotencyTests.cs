using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>Idempotency keys, by way of a whole node and a real PostgreSQL.</summary>
public sealed class IdempotencyTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private TestNode node = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("""
            CREATE TABLE orders (id uuid PRIMARY KEY, number int UNIQUE, amount int CHECK (amount > 0));
            """);
        node = await TestNode.StartAsync(database.ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await node.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_write_a_repeated_row_once_and_answer_with_the_first_ones_id()
    {
        var first = await PostAsync("key-1", """{"number":1,"amount":5}""");
        var again = await PostAsync("key-1", """{"number":1,"amount":5}""");

        Assert.Equal((201, 201), (first.Status, again.Status));
        Assert.Equal(first.Body, again.Body);
        Assert.Equal(1L, await CountAsync());
        var account = await node.AccountAsync("orders");
        Assert.Equal(
            (1, 1, 1), (Number(account, "received"), Number(account, "committed"), Number(account, "repeated")));
    }

    [Fact]
    public async Task Should_write_concurrent_repeats_once_and_answer_all_with_one_id()
    {
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => PostAsync("key-2", """{"number":2,"amount":5}""")));

        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer.Body).Distinct());
        Assert.Equal(1L, await CountAsync());
    }

    [Fact]
    public async Task Should_refuse_a_key_that_comes_again_with_another_payload()
    {
        await PostAsync("key-3", """{"number":3,"amount":5}""");

        var other = await PostAsync("key-3", """{"number":4,"amount":5}""");

        Assert.Equal(422, other.Status);
        Assert.Contains("idempotency key", other.Body, StringComparison.Ordinal);
        Assert.Equal(1L, await CountAsync());
    }

    [Fact]
    public async Task Should_repeat_a_rejection()
    {
        await PostAsync("key-4", """{"number":5,"amount":5}""");

        var first = await PostAsync("key-5", """{"number":5,"amount":6}""");
        await database.ExecuteAsync("DELETE FROM orders");
        var again = await PostAsync("key-5", """{"number":5,"amount":6}""");

        Assert.Equal((409, 409), (first.Status, again.Status));
        Assert.Equal(0L, await CountAsync());
    }

    [Fact]
    public async Task Should_write_a_stream_that_is_sent_again_only_once_line_by_line()
    {
        const string Lines = """
            {"number":10,"amount":1}
            {"number":11,"amount":0}
            {"number":12,"amount":1}
            """;
        var first = await PostAsync("file-1", Lines, "application/x-ndjson");
        var again = await PostAsync("file-1", Lines, "application/x-ndjson");

        Assert.Equal([201, 422, 201], first.Lines.Take(3).Select(line => Number(line, "status")));
        Assert.Equal(first.Lines.Take(3).Select(Text), again.Lines.Take(3).Select(Text));
        Assert.Equal(2L, await CountAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    public async Task Should_refuse_a_malformed_key(string key)
    {
        var answer = await PostAsync(key, """{"number":20,"amount":1}""");

        Assert.Equal(400, answer.Status);
        Assert.Equal(0L, await CountAsync());
    }

    [Fact]
    public async Task Should_keep_keys_of_tables_apart_and_rows_without_a_key_free()
    {
        await database.ExecuteAsync("CREATE TABLE others (id uuid PRIMARY KEY, number int)");
        await PostAsync("key-6", """{"number":30,"amount":1}""");

        var other = await PostAsync("key-6", """{"number":30}""", table: "others");
        await node.PostAsync("orders", """{"number":31,"amount":1}""");

        Assert.Equal(201, other.Status);
        Assert.Equal(2L, await CountAsync());
        Assert.Equal(2L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.idempotency"));
    }

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static string Text(JsonElement element) => element.GetRawText();

    private Task<long> CountAsync() => database.ScalarAsync<long>("SELECT count(*) FROM orders");

    private async Task<Answer> PostAsync(
        string key, string body, string mediaType = "application/json", string table = "orders")
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, new Uri($"/v1/tables/{table}/rows", UriKind.Relative))
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(mediaType)),
        };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var response = await node.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
