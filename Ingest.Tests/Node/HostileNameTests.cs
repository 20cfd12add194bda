using System.Text.Json;
using Ingest.Node.Catalog;

namespace Ingest.Tests.Node;

/// <summary>Names that would do something if one of them came into SQL, or into an answer, as it is.</summary>
public sealed class HostileNameTests(HostileNameTests.Fixture fixture) : IClassFixture<HostileNameTests.Fixture>
{
    /// <summary>Each is a table, a column of it, an enum and its label, a constraint and a value; and a schema, where a
    /// list that is separated by commas can name it.</summary>
    private static readonly string[] Names =
    [
        "a\"; DROP TABLE canary; --",
        "a'); DROP TABLE canary; --",
        "$$; DROP TABLE canary; $$",
        "\\'; DROP TABLE canary; --",
        " leading and trailing ",
        "UPPER Case",
        "new\nline\ttab",
        "%s %d %n {0} ${x}",
        "../../etc",
        "a.b/c?d#e&f",
        "ünï😀\u202Ecode",
        "select",
        new('x', 63),
        "{\"json\":\"\"}",
        "<script>alert(1)</script>",
    ];

    public static TheoryData<int> Indices => new(Enumerable.Range(0, Names.Length));

    private TestNode Node => fixture.Node;

    [Theory]
    [MemberData(nameof(Indices))]
    public async Task Should_take_a_name_for_a_name_wherever_it_stands(int index)
    {
        var name = Names[index];
        var served = TableNames.Served(SchemaOf(name), name, "public");
        var good = JsonSerializer.Serialize(new Dictionary<string, object?> { [name] = name, ["note"] = name });
        var bad = JsonSerializer.Serialize(new Dictionary<string, object?> { [name] = name, ["note"] = "refused" });
        var unknown = JsonSerializer.Serialize(new Dictionary<string, object?> { [name + "!"] = 1 });

        var one = await Node.PostAsync(served, good);
        var stream = await Node.PostAsync(served, $"{good}\n{bad}\n{good}\n", "application/x-ndjson");
        var invalid = await Node.PostAsync(served, unknown);
        var wrong = await Node.PostAsync(
            served, JsonSerializer.Serialize(new Dictionary<string, object?> { [name] = "no label of it" }));
        var shown = JsonSerializer.Deserialize<JsonElement>(
            await Node.Http.GetStringAsync(new Uri($"/v1/tables/{Uri.EscapeDataString(served)}", UriKind.Relative)));

        Assert.True(one.Status == 201, $"{one}");
        Assert.Equal(
            [201, 422, 201], stream.Lines.SkipLast(1).Select(line => line.GetProperty("status").GetInt32()));
        var error = stream.Lines[1].GetProperty("error");
        Assert.Equal(name, error.GetProperty("constraint").GetString());
        Assert.Equal(400, invalid.Status);
        Assert.True(invalid.Json.GetProperty("errors").TryGetProperty(name + "!", out _), invalid.Body);
        Assert.True(wrong.Json.GetProperty("errors").TryGetProperty(name, out _), wrong.Body);
        Assert.Equal((SchemaOf(name), name, served), (
            shown.GetProperty("schema").GetString(), shown.GetProperty("table").GetString(),
            shown.GetProperty("name").GetString()));
        Assert.Equal(3, (await Node.AccountAsync(served)).GetProperty("committed").GetInt32());
        await using var count = fixture.Database.DataSource.CreateCommand(
            $"SELECT count(*) FROM {TableNames.Quote(SchemaOf(name))}.{TableNames.Quote(name)} WHERE note = $1");
        count.Parameters.Add(new() { Value = name });
        Assert.Equal(3L, await count.ExecuteScalarAsync());
        Assert.Equal(1L, await fixture.Database.ScalarAsync<long>("SELECT count(*) FROM canary"));
    }

    [Theory]
    [InlineData("canary; DROP TABLE canary")]
    [InlineData("canary\"; DROP TABLE canary; --")]
    [InlineData("pg_catalog.pg_class")]
    [InlineData("ingest.ledger")]
    [InlineData("' OR '1'='1")]
    [InlineData("%00")]
    [InlineData("\"")]
    public async Task Should_know_no_table_by_a_name_that_is_none(string name)
    {
        var answer = await Node.PostAsync(name, "{}");

        Assert.True(answer.Status is 404 or 400, $"{answer}");
        Assert.Equal(1L, await fixture.Database.ScalarAsync<long>("SELECT count(*) FROM canary"));
    }

    [Fact]
    public async Task Should_serve_all_of_them_in_its_list_and_its_figures()
    {
        var list = JsonSerializer.Deserialize<JsonElement>(
            await Node.Http.GetStringAsync(new Uri("/v1/tables", UriKind.Relative)));
        await Node.PostAsync("canary", """{"id":2}""");
        var metrics = await Node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));

        var tables = list.GetProperty("tables").EnumerateArray()
            .Select(table => (table.GetProperty("schema").GetString(), table.GetProperty("table").GetString()))
            .ToHashSet();
        Assert.All(Names, name => Assert.Contains((SchemaOf(name), name), tables));
        // A line of the text format is a comment or ends with a value: no name has made one of its own.
        Assert.All(
            metrics.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches(@"^(#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [0-9.eE+-]+|.*(NaN|Inf).*)( .*)?$", line));
        await fixture.Database.ExecuteAsync("DELETE FROM canary WHERE id = 2");
    }

    private static string SchemaOf(string name) =>
        name.Trim() == name && !name.Contains('\n', StringComparison.Ordinal) ? name : "public";

    public sealed class Fixture() : NodeFixture(Sql(), ("INGEST_SCHEMAS", Schemas()), ("INGEST_LANES", "1"))
    {
        private static string Schemas() => string.Join(",", Names.Select(SchemaOf).Prepend("public").Distinct());

        private static string Sql() =>
            "CREATE TABLE canary(id int PRIMARY KEY); INSERT INTO canary VALUES (1); CREATE SCHEMA types;"
            + string.Concat(Names.Select(name =>
            {
                var (schema, quoted) = (TableNames.Quote(SchemaOf(name)), TableNames.Quote(name));
                var literal = $"E'{name.Replace("\\", "\\\\").Replace("'", "\\'")}'";
                return $"""
                    CREATE SCHEMA IF NOT EXISTS {schema};
                    CREATE TYPE types.{quoted} AS ENUM ({literal}, 'other');
                    CREATE TABLE {schema}.{quoted}(
                        id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, {quoted} types.{quoted}, note text,
                        CONSTRAINT {quoted} CHECK (note <> 'refused'));

                    """;
            }));
    }
}
