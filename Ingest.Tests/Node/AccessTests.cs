using System.Text.Json;
using Grpc.Core;

namespace Ingest.Tests.Node;

/// <summary>What callers may do and see, by what they were granted.</summary>
[Collection(nameof(AskingNode))]
public sealed class AccessTests(AskingNode fixture)
{
    [Theory]
    [InlineData("POST", "/v1/tables/clicks/rows")]
    [InlineData("GET", "/v1/tables")]
    [InlineData("GET", "/v1/tables/clicks")]
    [InlineData("GET", "/v1/accounting")]
    [InlineData("GET", "/v1/cluster")]
    [InlineData("GET", "/v1/dead-letters")]
    [InlineData("DELETE", "/v1/dead-letters?all=true")]
    [InlineData("POST", "/v1/dead-letters/1/replay")]
    public async Task Should_ask_who_calls(string method, string path)
    {
        using var response = await fixture.SendAsync(method, path, key: null);

        Assert.Equal(401, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Bearer realm=\"ingest\"", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal("/problems/unauthenticated", await AskingNode.TypeOf(response));
    }

    [Theory]
    [InlineData("/healthz/live", 200)]
    [InlineData("/healthz/ready", 200)]
    [InlineData("/v1/nothing", 404)]
    public async Task Should_answer_anybody_whether_it_is_well(string path, int status)
    {
        using var response = await fixture.SendAsync("GET", path, key: null);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Should_show_a_key_the_dead_letters_of_its_tables_and_change_none()
    {
        await fixture.Database.ExecuteAsync("""
            INSERT INTO ingest.dead_letters (id, table_name, payload, sqlstate, message) VALUES
                (7, 'clicks', '{}', '23505', 'a'), (8, 'orders', '{}', '23505', 'b')
            """);
        var key = await fixture.AddKeyAsync("support", "read-dead-letters:clicks");

        using var list = await fixture.SendAsync("GET", "/v1/dead-letters", key);
        var ids = JsonSerializer.Deserialize<JsonElement>(await list.Content.ReadAsStringAsync())
            .GetProperty("deadLetters").EnumerateArray().Select(letter => letter.GetProperty("id").GetInt32());

        Assert.Equal([7], ids);
        Assert.Equal(200, await StatusAsync("GET", "/v1/dead-letters/7"));
        Assert.Equal(403, await StatusAsync("GET", "/v1/dead-letters/8"));
        Assert.Equal(403, await StatusAsync("GET", "/v1/dead-letters?table=orders"));
        Assert.Equal(403, await StatusAsync("POST", "/v1/dead-letters/7/replay"));
        Assert.Equal(403, await StatusAsync("DELETE", "/v1/dead-letters/7"));
        Assert.Equal(403, await StatusAsync("DELETE", "/v1/dead-letters?all=true"));

        async Task<int> StatusAsync(string method, string path)
        {
            using var response = await fixture.SendAsync(method, path, key);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Should_let_a_key_do_what_it_was_granted_and_nothing_else()
    {
        var key = await fixture.AddKeyAsync("shop", "write:clicks");

        Assert.Equal(201, await fixture.PostAsync("clicks", key));
        Assert.Equal(201, await fixture.PostAsync("clicks", key, "Bearer"));
        Assert.Equal(201, await fixture.PostAsync("public.clicks", key));
        Assert.Equal(403, await fixture.PostAsync("orders", key));
        Assert.Equal(403, await fixture.PostAsync("no_such_table", key));
        using var cluster = await fixture.SendAsync("GET", "/v1/cluster", key);
        Assert.Equal(403, (int)cluster.StatusCode);
        Assert.Contains("insufficient_scope", cluster.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        using var orders = await fixture.SendAsync("GET", "/v1/tables/orders", key);
        Assert.Equal(403, (int)orders.StatusCode);
        Assert.Equal("/problems/forbidden", await AskingNode.TypeOf(orders));
    }

    [Fact]
    public async Task Should_show_a_caller_only_the_tables_that_it_may_do_something_with()
    {
        var writer = await fixture.AddKeyAsync("writer", "write:orders");
        Assert.Equal(201, await fixture.PostAsync("orders", writer));

        using var tables = await fixture.SendAsync("GET", "/v1/tables", writer);
        using var accounting = await fixture.SendAsync("GET", "/v1/accounting", writer);

        var listed = JsonSerializer.Deserialize<JsonElement>(await tables.Content.ReadAsStringAsync());
        Assert.Equal(
            ["orders"],
            listed.GetProperty("tables").EnumerateArray().Select(table => table.GetProperty("name").GetString()));
        var accounts = JsonSerializer.Deserialize<JsonElement>(await accounting.Content.ReadAsStringAsync());
        Assert.Equal(
            ["orders"],
            accounts.GetProperty("tables").EnumerateArray().Select(table => table.GetProperty("table").GetString()));
    }

    [Theory]
    [InlineData(null, "16")]
    [InlineData("write:nothing", "7")]
    public async Task Should_answer_who_speaks_grpc_by_its_codes(string? grant, string code)
    {
        var key = grant is null ? null : await fixture.AddKeyAsync("grpc", grant);

        using var response = await fixture.SendAsync("POST", "/v1/cluster", key, contentType: "application/grpc");

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(code, response.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Should_ask_callers_of_grpc_by_the_same_headers()
    {
        var key = await fixture.AddKeyAsync("grpc caller", "write:clicks");

        Assert.Equal(StatusCode.Unauthenticated, await fixture.CreateAsync("clicks", "x-api-key", "ingest_no"));
        Assert.Equal(StatusCode.PermissionDenied, await fixture.CreateAsync("orders", "x-api-key", key));
        Assert.Equal(StatusCode.OK, await fixture.CreateAsync("clicks", "x-api-key", key));
        Assert.Equal(StatusCode.OK, await fixture.CreateAsync("clicks", "authorization", $"Bearer {key}"));
    }
}
