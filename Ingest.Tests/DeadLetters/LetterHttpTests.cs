using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Ingest.Node.Cluster;
using Ingest.Node.DeadLetters.CommandLine;
using Ingest.Tests.Node;
using Ingest.Tests.Postgres;
using Spectre.Console;

namespace Ingest.Tests.DeadLetters;

/// <summary>Dead letters over HTTP, on a whole node and a real PostgreSQL.</summary>
public sealed class LetterHttpTests(LetterHttpTests.Fixture fixture)
    : IClassFixture<LetterHttpTests.Fixture>, IAsyncLifetime
{
    // As it is served: a slash and a quote in a name make it one in quotes.
    private const string Hostile = "\"o'dd/na\"\"me; DROP TABLE orders --\"";

    private TestNode Node => fixture.Node;

    private TestDatabase Database => fixture.Database;

    public Task InitializeAsync() => Database.ExecuteAsync(
        "TRUNCATE orders, parents, ingest.dead_letters, ingest.idempotency RESTART IDENTITY; "
        + "INSERT INTO parents VALUES (1)");

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Should_mend_and_replay_a_letter_exactly_once()
    {
        var refused = await Node.PostAsync("orders", """{"code":"a","amount":-5,"parent":1}""");
        var letter = await LetterAsync(await OnlyIdAsync());

        Assert.Equal(422, refused.Status);
        Assert.Equal(refused.Body, letter.GetProperty("error").GetRawText());
        Assert.Equal("orders", letter.GetProperty("table").GetString());
        Assert.Equal(
            letter.GetProperty("rowId").GetString(), letter.GetProperty("payload").GetProperty("id").GetString());
        var id = letter.GetProperty("id").GetInt64();
        var edited = await SendAsync(HttpMethod.Patch, $"/v1/dead-letters/{id}", """{"payload":{"amount":5}}""");
        Assert.Equal(200, edited.Status);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}/replay")));
        var late = await SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}/replay");

        Assert.All(answers.Append(late), answer => Assert.Equal(201, answer.Status));
        Assert.Equal(
            [letter.GetProperty("rowId").GetString()],
            answers.Append(late).Select(answer => answer.Id.GetString()).Distinct());
        Assert.Equal(
            "a 5", await Database.ScalarAsync<string>("SELECT string_agg(code || ' ' || amount, ',') FROM orders"));
        Assert.Empty((await ListAsync("")).Letters);
        Assert.NotEqual(default, (await LetterAsync(id)).GetProperty("replayedAt").GetDateTimeOffset());
        var patched = await SendAsync(HttpMethod.Patch, $"/v1/dead-letters/{id}", """{"payload":{"amount":6}}""");
        Assert.Equal(409, patched.Status);
        Assert.Equal(409, (await SendAsync(HttpMethod.Delete, $"/v1/dead-letters/{id}")).Status);
    }

    [Fact]
    public async Task Should_answer_a_replay_that_is_refused_again_and_keep_its_error()
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");
        var id = await OnlyIdAsync();
        await SendAsync(HttpMethod.Patch, $"/v1/dead-letters/{id}", """{"payload":{"amount":5,"parent":99}}""");

        var again = await SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}/replay");
        await Database.ExecuteAsync(
            $$"""UPDATE ingest.dead_letters SET payload = '{"amount":"much"}' WHERE id = {{id}}""");
        var unchecked_ = await SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}/replay");
        var letter = await LetterAsync(id);

        Assert.Equal((422, "23503"), (again.Status, again.Json.GetProperty("sqlstate").GetString()));
        Assert.Equal(400, unchecked_.Status);
        Assert.True(unchecked_.Json.GetProperty("errors").TryGetProperty("amount", out _));
        Assert.Equal(3, letter.GetProperty("attempts").GetInt32());
        Assert.Equal("amount", letter.GetProperty("error").GetProperty("column").GetString());
        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Theory]
    [InlineData("""{"payload":{"amount":"much","colour":"red"}}""", 400, "/problems/row-invalid")]
    [InlineData("""{"payload":{"code":null}}""", 400, "/problems/row-invalid")]
    [InlineData("""{"payload":7}""", 400, "/problems/request-invalid")]
    [InlineData("""{"attempts":7}""", 400, "/problems/request-invalid")]
    [InlineData("""{"payload":{"amount":1,"amount":2}}""", 400, "/problems/request-invalid")]
    [InlineData("""{"payload":{"amount":1}} x""", 400, "/problems/request-invalid")]
    [InlineData("", 400, "/problems/request-invalid")]
    public async Task Should_refuse_an_edit_that_makes_no_row(string patch, int status, string type)
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");
        var id = await OnlyIdAsync();
        var before = await LetterAsync(id);

        var answer = await SendAsync(HttpMethod.Patch, $"/v1/dead-letters/{id}", patch);

        Assert.Equal((status, type), (answer.Status, answer.Json.GetProperty("type").GetString()));
        Assert.Equal(before.GetRawText(), (await LetterAsync(id)).GetRawText());
    }

    [Fact]
    public async Task Should_refuse_an_edit_that_is_larger_than_a_row_may_be()
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");

        var answer = await SendAsync(
            HttpMethod.Patch,
            $"/v1/dead-letters/{await OnlyIdAsync()}",
            $$$"""{"payload":{"code":"{{{new string('x', 2 << 20)}}}"}}""");

        Assert.Equal(413, answer.Status);
    }

    [Fact]
    public async Task Should_take_an_edit_that_gives_a_column_which_was_just_added()
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");
        await Database.ExecuteAsync("ALTER TABLE orders ADD IF NOT EXISTS added int");
        var path = $"/v1/dead-letters/{await OnlyIdAsync()}";

        // The node looks once a second at most, and another test may have had it look just now.
        await Eventually.TrueAsync(async () => 200 == (await SendAsync(
            HttpMethod.Patch, path, """{"payload":{"amount":1,"added":7}}""")).Status);
        await SendAsync(HttpMethod.Post, $"{path}/replay");

        Assert.Equal(7, await Database.ScalarAsync<int>("SELECT added FROM orders"));
    }

    [Fact]
    public async Task Should_replay_JSON_that_is_nested_as_deep_as_a_field_of_CSV_may_be()
    {
        var deep = new string('[', 500) + new string(']', 500);
        await Node.PostAsync("orders", $"code,amount,note\na,-5,{deep}\n", "text/csv");
        var path = $"/v1/dead-letters/{await Database.ScalarAsync<long>("SELECT id FROM ingest.dead_letters")}";

        var edited = await SendAsync(HttpMethod.Patch, path, """{"payload":{"amount":1}}""");
        var replayed = await SendAsync(HttpMethod.Post, $"{path}/replay");

        Assert.Equal((200, 201), (edited.Status, replayed.Status));
        Assert.Equal(deep, await Database.ScalarAsync<string>("SELECT note::text FROM orders"));
    }

    [Fact]
    public async Task Should_refuse_a_change_of_a_state_that_is_past()
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");
        var path = $"/v1/dead-letters/{await OnlyIdAsync()}";
        using var read = await Node.Http.GetAsync(new Uri(path, UriKind.Relative));
        var tag = read.Headers.ETag!.Tag;

        var first = await SendAsync(HttpMethod.Patch, path, """{"payload":{"amount":1}}""", tag);
        var second = await SendAsync(HttpMethod.Patch, path, """{"payload":{"amount":2}}""", tag);
        var discard = await SendAsync(HttpMethod.Delete, path, ifMatch: tag);
        var replay = await SendAsync(HttpMethod.Post, $"{path}/replay", ifMatch: tag);

        Assert.Equal((200, 412, 412, 412), (first.Status, second.Status, discard.Status, replay.Status));
        var letter = await LetterAsync(await OnlyIdAsync());
        Assert.Equal(1, letter.GetProperty("payload").GetProperty("amount").GetInt32());
        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, path, ifMatch: "*")).Status);
        Assert.Equal(404, (await SendAsync(HttpMethod.Get, path)).Status);
        Assert.Equal(404, (await SendAsync(HttpMethod.Post, $"{path}/replay")).Status);
    }

    [Fact]
    public async Task Should_list_by_filter_and_in_pages()
    {
        var lines = Enumerable.Range(1, 25).Select(n => $$"""{"code":"c{{n}}","amount":-1}""")
            .Append("""{"code":"c26","amount":1,"parent":99}""");
        await Node.PostAsync("orders", string.Join('\n', lines), "application/x-ndjson");
        await Node.PostAsync(Hostile, """{"id":1,"v":-1}""");

        var seen = new List<long>();
        var query = "?table=orders&sqlstate=23514&limit=10";
        for (string? next = ""; next is not null;)
        {
            var (letters, cursor) = await ListAsync(query + next);
            Assert.True(letters.Count <= 10);
            seen.AddRange(letters.Select(letter => letter.GetProperty("id").GetInt64()));
            next = cursor is null ? null : $"&after={cursor}";
        }

        Assert.Equal(25, seen.Count);
        Assert.Equal(seen.OrderDescending(), seen);
        Assert.Single((await ListAsync("?constraint=orders_parent_fkey")).Letters);
        Assert.Equal(27, (await ListAsync("?since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z")).Letters.Count);
        Assert.Empty((await ListAsync("?until=2020-01-01")).Letters);
        Assert.Single((await ListAsync($"?table={Uri.EscapeDataString(Hostile)}")).Letters);
        Assert.Single((await ListAsync("?rowId=1")).Letters);
        var rowId = Uri.EscapeDataString((await ListAsync("?limit=2")).Letters[1].GetProperty("rowId").GetString()!);
        Assert.Single((await ListAsync($"?rowId={rowId}")).Letters);
        Assert.Empty((await ListAsync($"?constraint={Uri.EscapeDataString("x' OR 'x'='x")}")).Letters);
    }

    [Theory]
    [InlineData("?tabel=orders")]
    [InlineData("?table=a&table=b")]
    [InlineData("?table=")]
    [InlineData("?limit=0")]
    [InlineData("?limit=1001")]
    [InlineData("?after=zz!")]
    [InlineData("?since=yesterday")]
    [InlineData("?constraint=%00")]
    public async Task Should_refuse_a_query_that_says_nothing(string query)
    {
        Assert.Equal(400, (await SendAsync(HttpMethod.Get, $"/v1/dead-letters{query}")).Status);
    }

    [Theory]
    [InlineData("POST", "/v1/dead-letters/replay", 400)]
    [InlineData("DELETE", "/v1/dead-letters", 400)]
    [InlineData("DELETE", "/v1/dead-letters?tabel=orders&all=true", 400)]
    [InlineData("PUT", "/v1/dead-letters", 405)]
    [InlineData("POST", "/v1/dead-letters/1", 405)]
    [InlineData("GET", "/v1/dead-letters/x", 404)]
    [InlineData("GET", "/v1/dead-letters/99999999999999999999", 404)]
    public async Task Should_not_touch_a_letter_for_a_request_that_is_wrong(string method, string path, int status)
    {
        await Node.PostAsync("orders", """{"code":"a","amount":-5}""");

        Assert.Equal(status, (await SendAsync(new HttpMethod(method), path)).Status);

        Assert.Single((await ListAsync("")).Letters);
    }

    [Fact]
    public async Task Should_replay_many_and_tell_of_each()
    {
        var lines = Enumerable.Range(1, 1_200).Select(
            n => $$"""{"code":"c{{n}}","amount":1,"parent":{{(n % 3 == 0 ? 3 : 2)}}}""");
        await Node.PostAsync("orders", string.Join('\n', lines), "application/x-ndjson");
        await Node.PostAsync("orders", """{"code":"other","amount":-1}""");
        await Database.ExecuteAsync("INSERT INTO parents VALUES (2)");
        var received = (await Node.AccountAsync("orders")).GetProperty("received").GetInt32();

        const string Replay = "/v1/dead-letters/replay?constraint=orders_parent_fkey";
        var answer = await SendAsync(HttpMethod.Post, $"{Replay}&verdicts=errors");
        var again = await SendAsync(HttpMethod.Post, $"{Replay}&verdicts=none");

        Assert.Equal(401, answer.Lines.Count);
        Assert.All(answer.Lines.SkipLast(1), line => Assert.Equal(422, line.GetProperty("status").GetInt32()));
        Assert.Equal("""{"replayed":800,"rejected":400}""", answer.Lines[^1].GetRawText());
        Assert.Equal("""{"replayed":0,"rejected":400}""", Assert.Single(again.Lines).GetRawText());
        Assert.Equal(800L, await Database.ScalarAsync<long>("SELECT count(*) FROM orders"));
        Assert.Equal(401L, await Database.ScalarAsync<long>(
            "SELECT count(*) FROM ingest.dead_letters WHERE replayed_at IS NULL"));
        Assert.Equal(received + 1_600, (await Node.AccountAsync("orders")).GetProperty("received").GetInt32());
    }

    [Fact]
    public async Task Should_write_each_row_once_where_two_replay_the_same_letters()
    {
        var lines = Enumerable.Range(1, 600).Select(n => $$"""{"code":"c{{n}}","amount":1,"parent":2}""");
        await Node.PostAsync("orders", string.Join('\n', lines), "application/x-ndjson");
        await Database.ExecuteAsync("INSERT INTO parents VALUES (2)");

        var answers = await Task.WhenAll(Enumerable.Range(0, 3)
            .Select(_ => SendAsync(HttpMethod.Post, "/v1/dead-letters/replay?all=true&verdicts=errors")));

        Assert.All(answers, answer => Assert.Equal(0, answer.Lines[^1].GetProperty("rejected").GetInt32()));
        Assert.Equal(600L, await Database.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task Should_discard_many_by_filter()
    {
        await Node.PostAsync(
            "orders", """[{"code":"a","amount":-1},{"code":"b","amount":-1},{"code":"c","parent":9}]""");

        var some = await SendAsync(HttpMethod.Delete, "/v1/dead-letters?sqlstate=23514");
        var rest = await SendAsync(HttpMethod.Delete, "/v1/dead-letters?all=true");

        Assert.Equal(("""{"discarded":2}""", """{"discarded":1}"""), (some.Body, rest.Body));
    }

    [Fact]
    public async Task Should_answer_a_caller_who_sends_a_keyed_row_again_with_the_replayed_one()
    {
        await PostWithKeyAsync();
        var id = await OnlyIdAsync();
        await SendAsync(HttpMethod.Patch, $"/v1/dead-letters/{id}", """{"payload":{"amount":5}}""");
        var replayed = await SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}/replay");

        var again = await PostWithKeyAsync();

        Assert.Equal((201, replayed.Body), (again.Status, again.Body));
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM orders"));

        Task<Answer> PostWithKeyAsync() => SendAsync(
            HttpMethod.Post, "/v1/tables/orders/rows", """{"code":"k","amount":-5}""", key: "order-7");
    }

    [Fact]
    public async Task Should_do_the_same_from_the_command_line()
    {
        await Node.PostAsync("orders", """[{"code":"a","amount":-1},{"code":"b\u001b[31m","amount":1,"parent":9}]""");

        var listed = await RunAsync("list");
        var shown = await RunAsync("show", "1");
        var refused = await RunAsync("edit", "1", """{"amount":"x"}""");
        var edited = await RunAsync("edit", "1", """{"amount":5}""");
        var replayed = await RunAsync("replay", "1");
        var again = await RunAsync("replay", "--constraint", "orders_parent_fkey");
        var unsaid = await RunAsync("discard");
        var discarded = await RunAsync("discard", "2");

        Assert.Equal(0, listed.Code);
        Assert.Contains("orders_amount_check", listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', listed.Output);
        var payload = JsonSerializer.Deserialize<JsonElement>(shown.Output).GetProperty("payload");
        Assert.Equal(-1, payload.GetProperty("amount").GetInt32());
        Assert.Equal((1, 0), (refused.Code, edited.Code));
        Assert.StartsWith("1 is replayed as \"", replayed.Output, StringComparison.Ordinal);
        Assert.Equal(1, again.Code);
        Assert.EndsWith("0 replayed, 1 rejected\n", again.Output, StringComparison.Ordinal);
        Assert.Equal(2, unsaid.Code);
        Assert.Equal((0, "2 is discarded\n"), discarded);
        Assert.Equal((1, "ingest: There is no dead letter 2.\n"), await RunAsync("show", "2"));
        Assert.Equal("a", await Database.ScalarAsync<string>("SELECT string_agg(code, ',') FROM orders"));
        var metrics = await Node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("ingest_dead_letters_total", metrics, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 200;
        var settings = NodeSettings.Load(_ => null);
        var code = await LettersCommand.RunAsync(
            [.. arguments, "--node", Node.Http.BaseAddress!.OriginalString], settings, console);
        return (code, output.ToString());
    }

    private async Task<long> OnlyIdAsync() => Assert.Single((await ListAsync("")).Letters).GetProperty("id").GetInt64();

    private async Task<JsonElement> LetterAsync(long id) =>
        (await SendAsync(HttpMethod.Get, $"/v1/dead-letters/{id}")).Json;

    private async Task<(List<JsonElement> Letters, string? Next)> ListAsync(string query)
    {
        var answer = await SendAsync(HttpMethod.Get, $"/v1/dead-letters{query}");
        Assert.True(answer.Status == 200, answer.ToString());
        return (
            [.. answer.Json.GetProperty("deadLetters").EnumerateArray()], answer.Json.GetProperty("next").GetString());
    }

    private async Task<Answer> SendAsync(
        HttpMethod method, string path, string? body = null, string? ifMatch = null, string? key = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var response = await Node.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public sealed class Fixture() : NodeFixture(
        """
        CREATE TABLE parents (id int PRIMARY KEY);
        CREATE TABLE orders (
            id uuid PRIMARY KEY, code text NOT NULL, amount int CHECK (amount > 0), parent int REFERENCES parents,
            note jsonb);
        CREATE TABLE "o'dd/na""me; DROP TABLE orders --" (id int PRIMARY KEY, v int CHECK (v > 0));
        """,
        ("INGEST_DEAD_LETTERS", "on"));
}
