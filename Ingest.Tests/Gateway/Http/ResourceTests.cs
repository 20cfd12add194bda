using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ingest.Tests.Http;

/// <summary>What can be read: tables, accounts, health.</summary>
public sealed class ResourceTests
{
    [Fact]
    public async Task Should_describe_a_table()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());

        var table = await GetAsync(server, "/v1/tables/clicks");

        Assert.Equal("clicks", table.GetProperty("name").GetString());
        Assert.Equal("id", table.GetProperty("key")[0].GetString());
        Assert.Equal("uuidv7", table.GetProperty("keyGeneration").GetString());
        Assert.Equal(
            """{"name":"url","type":"text","nullable":false,"required":true,"default":null}""",
            table.GetProperty("columns")[1].GetRawText());
        Assert.Equal(
            """{"name":"at","type":"timestamptz","nullable":false,"required":false,"default":"now()"}""",
            table.GetProperty("columns")[4].GetRawText());
    }

    [Fact]
    public async Task Should_list_all_tables()
    {
        await using var server = await TestHttpServer.StartAsync(
            new ScriptedGateway(), new FixedCatalog(TestTables.Clicks("a"), TestTables.Clicks("b")));

        var list = await GetAsync(server, "/v1/tables");

        var names = list.GetProperty("tables").EnumerateArray().Select(table => table.GetProperty("name").GetString());
        Assert.Equal(["a", "b"], names);
    }

    [Fact]
    public async Task Should_answer_404_for_an_unknown_table()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());

        using var response = await server.Client.GetAsync(new Uri("/v1/tables/none", UriKind.Relative));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("sales.orders")]
    [InlineData("we\"ird.na/me")]
    [InlineData("100%2Fsure")]
    [InlineData("ünï cödé")]
    [InlineData("; drop table x --")]
    [InlineData("a?b#c&d+e")]
    public async Task Should_find_tables_of_any_name(string name)
    {
        var gateway = new ScriptedGateway();
        await using var server = await TestHttpServer.StartAsync(gateway, new FixedCatalog(TestTables.Clicks(name)));
        var path = $"/v1/tables/{Uri.EscapeDataString(name)}";

        var table = await GetAsync(server, path);
        using var response = await server.PostAsync(
            """{"url":"a"}""", path: table.GetProperty("rows").GetString()!);

        Assert.Equal(name, table.GetProperty("name").GetString());
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Should_show_the_accounts_and_their_total()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());

        var accounting = await GetAsync(server, "/v1/accounting");

        Assert.Equal("2026-01-02T03:04:05+00:00", accounting.GetProperty("since").GetString());
        Assert.Equal("a", accounting.GetProperty("tables")[0].GetProperty("table").GetString());
        Assert.Equal(
            """
            {"received":14,"committed":9,"rejected":3,"notWritten":1,"unknown":0,"pending":1,"accepted":0,"repeated":0}
            """,
            accounting.GetProperty("total").GetRawText());
        var cluster = accounting.GetProperty("cluster");
        Assert.Equal(
            """["127.0.0.1:8082"]["127.0.0.1:8083"]""",
            $"{cluster.GetProperty("nodes")}{cluster.GetProperty("silent")}");
        Assert.Equal(20, cluster.GetProperty("total").GetProperty("received").GetInt64());
    }

    [Fact]
    public async Task Should_say_why_the_node_is_not_ready()
    {
        await using var server = await TestHttpServer.StartAsync(
            new ScriptedGateway(),
            configure: services => services.AddHealthChecks()
                .AddCheck("process", () => HealthCheckResult.Healthy(), ["live"])
                .AddCheck("database", () => HealthCheckResult.Unhealthy("no connection since 3 s"), ["ready"])
                .AddCheck("leak", () => throw new InvalidOperationException("secret"), ["ready"]));

        using var live = await server.Client.GetAsync(new Uri("/healthz/live", UriKind.Relative));
        using var ready = await server.Client.GetAsync(new Uri("/healthz/ready", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var checks = (await TestHttpServer.ReadAsync(ready)).GetProperty("checks");
        Assert.Equal("no connection since 3 s", checks.GetProperty("database").GetProperty("reason").GetString());
        Assert.DoesNotContain("secret", checks.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_answer_500_without_internals_when_the_service_fails()
    {
        var gateway = new ScriptedGateway { Script = _ => throw new InvalidOperationException("secret") };
        await using var server = await TestHttpServer.StartAsync(gateway);

        using var response = await server.PostAsync("""{"url":"a"}""");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> GetAsync(TestHttpServer server, string path)
    {
        using var response = await server.Client.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await TestHttpServer.ReadAsync(response);
    }
}
