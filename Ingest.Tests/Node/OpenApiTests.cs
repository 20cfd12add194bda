using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ingest.Tests.Node;

/// <summary>The description of the tables of a real database: it is true, and its examples are taken.</summary>
public sealed class OpenApiTests(OpenApiTests.Fixture fixture) : IClassFixture<OpenApiTests.Fixture>
{
    private static readonly string[] Types =
    [
        "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "numeric(6,2)", "numeric(2,2)", "text",
        "varchar(2)", "char(5)", "name", "citext", "uuid", "date", "time", "timetz", "timestamp", "timestamptz",
        "interval", "json", "jsonb", "bytea", "inet", "cidr", "macaddr", "mood", "positive", "int4[]", "text[][]",
        "mood[]", "jsonb[]", "timestamptz[]", "bit(3)", "varbit", "money", "xml", "point", "line", "lseg", "box",
        "path", "polygon", "circle", "tsvector", "tsquery", "int4range", "int4multirange", "tstzrange", "oid",
        "pg_lsn", "macaddr8", "jsonpath",
    ];

    public static TheoryData<string> Tables => new(
        Enumerable.Range(0, Types.Length).Select(number => $"t{number}")
            .Concat(["uuid_key", "sequence_key", "client_key", "composite_key", "no_key", "all_defaults", "child",
                "odd \"name\"/{x}"]));

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task Should_give_examples_that_the_table_takes(string table)
    {
        var served = table.StartsWith("odd", StringComparison.Ordinal) ? "\"odd \"\"name\"\"/{x}\"" : table;
        var operation = (await DocumentAsync())["paths"]![$"/v1/tables/{Uri.EscapeDataString(served)}/rows"]!["post"]!;
        var content = operation["requestBody"]!["content"]!.AsObject();

        foreach (var (mediaType, body) in content)
        {
            foreach (var (name, example) in body!["examples"]!.AsObject())
            {
                // The example gives the key itself, and each is to be the first.
                if (table is "client_key" or "composite_key")
                    await fixture.Database.ExecuteAsync($"DELETE FROM {table}");
                var value = example!["value"]!;
                var text = mediaType == "application/json" ? value.ToJsonString() : value.GetValue<string>();
                var answer = await fixture.Node.PostAsync(served, text, mediaType);
                var isTaken = name == "row" ? answer.Status == 201
                    : answer.Status == 200 && !answer.Body.Contains("\"error\"", StringComparison.Ordinal);
                Assert.True(isTaken, $"{TypeOf(table)} as {mediaType}: {text} was answered {answer}");
            }
        }
    }

    [Fact]
    public async Task Should_be_valid()
    {
        await using var stream = await fixture.Node.Http.GetStreamAsync(new Uri("/openapi/v1.json", UriKind.Relative));
        var buffer = new MemoryStream();
        await stream.CopyToAsync(buffer);
        buffer.Position = 0;

        var read = Microsoft.OpenApi.OpenApiDocument.Load(buffer, "json");

        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
    }

    [Theory]
    [InlineData("/docs")]
    [InlineData("/openapi/v1.json")]
    public async Task Should_answer_a_look_at_the_head_alone(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri(path, UriKind.Relative));
        using var response = await fixture.Node.Http.SendAsync(request);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Should_describe_every_call_of_the_surface()
    {
        var paths = (await DocumentAsync())["paths"]!.AsObject();
        string[] others =
            ["/docs", "/dashboard", "/favicon.ico", "/openapi", "/v1/{**path}", "/v1/tables/{table}/rows"];

        var calls = fixture.Node.Host.Services.GetServices<EndpointDataSource>()
            .SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is null)
            .Select(endpoint => $"/{endpoint.RoutePattern.RawText!.TrimStart('/')}")
            .Where(path => path.Length > 1 && !path.Contains("{unimplemented", StringComparison.Ordinal)
                && !others.Any(other => path.StartsWith(other, StringComparison.Ordinal)))
            .Distinct().ToArray();

        Assert.Contains("/v1/accounting", calls);
        Assert.Empty(calls.Except(paths.Select(path => path.Key)));
    }

    [Fact]
    public async Task Should_say_of_each_column_what_the_table_says()
    {
        var schema = (await DocumentAsync())["components"]!["schemas"]!["facts"]!;

        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.Equal(["code", "state"], schema["required"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal(
            """{"type":"string","maxLength":20,"description":"PostgreSQL type: `character varying(20)`."}""",
            Column("code"));
        Assert.Equal(
            """{"type":"string","enum":["sad","so so"],"description":"PostgreSQL type: `mood`."}""", Column("state"));
        Assert.Equal(
            """{"type":["string","null"],"enum":["sad","so so",null],"description":"PostgreSQL type: `mood`."}""",
            Column("before"));
        Assert.Equal(
            """{"type":"integer","format":"int32","minimum":-2147483648,"maximum":2147483647,"default":42,"""
            + "\"description\":\"PostgreSQL type: `integer`. Default: `42`.\"}",
            Column("weight"));
        Assert.Equal("it's", schema["properties"]!["note"]!["default"]!.GetValue<string>());
        Assert.True(schema["properties"]!["twice"]!["readOnly"]!.GetValue<bool>());
        Assert.Equal(999_999.99m, schema["properties"]!["price"]!["maximum"]!.GetValue<decimal>());
        Assert.Equal("date-time", schema["properties"]!["times"]!["items"]!["format"]!.GetValue<string>());

        string Column(string name) => schema["properties"]![name]!.ToJsonString(
            new System.Text.Json.JsonSerializerOptions
            {
                Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            });
    }

    [Fact]
    public async Task Should_follow_a_table_that_is_made_and_changed()
    {
        await fixture.Database.ExecuteAsync("CREATE TABLE later(id int PRIMARY KEY)");
        await fixture.Node.PostAsync("later", """{"id":1}""");
        var before = (await DocumentAsync())["components"]!["schemas"]!["later"]!["properties"]!.AsObject();
        await fixture.Database.ExecuteAsync("ALTER TABLE later ADD COLUMN note text");
        // A name that nobody knows has the catalog look.
        await fixture.Node.Http.GetAsync(new Uri("/v1/tables/none", UriKind.Relative));
        var after = (await DocumentAsync())["components"]!["schemas"]!["later"]!["properties"]!.AsObject();

        Assert.Equal(["id"], before.Select(member => member.Key));
        Assert.Equal(["id", "note"], after.Select(member => member.Key));
    }

    private static string TypeOf(string table) =>
        int.TryParse(table.AsSpan(1), out var number) ? Types[number] : table;

    private async Task<JsonNode> DocumentAsync() =>
        (await fixture.Node.Http.GetFromJsonAsync<JsonNode>("/openapi/v1.json"))!;

    public sealed class Fixture() : NodeFixture(
        """"
        CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('sad', 'so so');
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE TABLE uuid_key(id uuid PRIMARY KEY, note text);
        CREATE TABLE sequence_key(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
        CREATE TABLE client_key(code text PRIMARY KEY, note text);
        CREATE TABLE composite_key(tenant int, code text, note text, PRIMARY KEY (tenant, code));
        CREATE TABLE no_key(note text);
        CREATE TABLE all_defaults(a int DEFAULT 1, b text DEFAULT 'x');
        CREATE TABLE child(id uuid PRIMARY KEY, parent uuid REFERENCES uuid_key, note text);
        CREATE TABLE "odd ""name""/{x}"(
            id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "c,ol ""u""" text NOT NULL);
        CREATE TABLE facts(id uuid PRIMARY KEY, code varchar(20) NOT NULL, state mood NOT NULL, "before" mood,
            weight int NOT NULL DEFAULT 42, note text DEFAULT 'it''s',
            twice int GENERATED ALWAYS AS (weight * 2) STORED,
            price numeric(8,2), times timestamptz[]);
        """"
        + string.Concat(Types.Select((type, number) =>
            $"CREATE TABLE t{number}(id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v {type} NOT NULL);")));
}
