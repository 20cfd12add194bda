using System.Text.Json;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>One row in, one verdict out, for the tables that people have.</summary>
public sealed class CreateRowTests(CreateRowTests.Fixture fixture) : IClassFixture<CreateRowTests.Fixture>
{
    private TestDatabase Database => fixture.Database;

    private TestNode Node => fixture.Node;

    [Theory]
    [InlineData("uuid_key")]
    [InlineData("identity_by_default")]
    [InlineData("identity_always")]
    [InlineData("serial_key")]
    public async Task Should_answer_with_the_key_that_the_row_was_given(string table)
    {
        var first = await Node.PostAsync(table, """{"note":"first"}""");
        var second = await Node.PostAsync(table, """{"note":"second"}""");

        Assert.Equal((201, 201), (first.Status, second.Status));
        Assert.NotEqual(first.Id.ToString(), second.Id.ToString());
        Assert.Equal("first", await Database.ScalarAsync<string>(
            $"SELECT note FROM {table} WHERE id::text = '{first.Id}'"));
        Assert.Equal("second", await Database.ScalarAsync<string>(
            $"SELECT note FROM {table} WHERE id::text = '{second.Id}'"));
    }

    [Fact]
    public async Task Should_leave_a_sequence_ahead_of_the_keys_that_it_gave()
    {
        var answer = await Node.PostAsync("serial_shared", """{"note":"ours"}""");

        var theirs = await Database.ScalarAsync<int>("INSERT INTO serial_shared(note) VALUES ('theirs') RETURNING id");

        Assert.True(theirs > answer.Id.GetInt32(), $"{theirs} after {answer}");
    }

    [Fact]
    public async Task Should_keep_the_key_that_the_caller_gave_and_refuse_it_the_second_time()
    {
        var first = await Node.PostAsync("client_key", """{"code":"a/1","note":"first"}""");
        var second = await Node.PostAsync("client_key", """{"code":"a/1","note":"second"}""");

        Assert.Equal((201, "a/1"), (first.Status, first.Id.GetString()));
        Assert.Equal(409, second.Status);
        Assert.Equal("client_key_pkey", second.Json.GetProperty("constraint").GetString());
        Assert.Equal("first", await Database.ScalarAsync<string>("SELECT string_agg(note, ',') FROM client_key"));
    }

    [Fact]
    public async Task Should_answer_with_every_column_of_a_composite_key()
    {
        var answer = await Node.PostAsync("composite_key", """{"tenant":7,"code":"x","note":"n"}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(7, answer.Id.GetProperty("tenant").GetInt32());
        Assert.Equal("x", answer.Id.GetProperty("code").GetString());
        Assert.Equal("n", await Database.ScalarAsync<string>(
            "SELECT note FROM composite_key WHERE tenant = 7 AND code = 'x'"));
    }

    [Fact]
    public async Task Should_write_to_a_table_without_a_key_and_answer_that_there_is_none()
    {
        var answer = await Node.PostAsync("no_key", """{"note":"n"}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(JsonValueKind.Null, answer.Id.ValueKind);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM no_key"));
    }

    [Fact]
    public async Task Should_give_the_columns_that_a_row_leaves_out_their_defaults()
    {
        var body = string.Join('\n', """{"id":1,"a":10}""", """{"id":2,"b":"given"}""", """{"id":3}""",
            """{"id":4,"a":null,"b":"both"}""", """{"id":5,"b":null,"a":7}""");

        var answer = await Node.PostAsync("shapes", body, "application/x-ndjson");

        Assert.Equal(5, answer.Lines[^1].GetProperty("committed").GetInt32());
        Assert.Equal("1 10 made,2 42 given,3 42 made,4 - both,5 7 -", await Database.ScalarAsync<string>(
            "SELECT string_agg(concat(id, ' ', coalesce(a::text, '-'), ' ', coalesce(b, '-')), ',' ORDER BY id) "
            + "FROM shapes"));
    }

    [Fact]
    public async Task Should_let_postgresql_choose_the_partition_and_refuse_a_row_that_has_none()
    {
        var low = await Node.PostAsync("parts", """{"id":1}""");
        var high = await Node.PostAsync("parts", """{"id":101}""");
        var none = await Node.PostAsync("parts", """{"id":1001}""");

        Assert.Equal((201, 201, 422), (low.Status, high.Status, none.Status));
        Assert.Equal("1,101", await Database.ScalarAsync<string>(
            "SELECT concat((SELECT id FROM parts_low), ',', (SELECT id FROM parts_high))"));
    }

    [Fact]
    public async Task Should_compute_a_generated_column_and_refuse_a_row_that_gives_it()
    {
        var written = await Node.PostAsync("generated", """{"id":1,"a":20}""");
        var refused = await Node.PostAsync("generated", """{"id":2,"a":20,"twice":1}""");

        Assert.Equal((201, 400), (written.Status, refused.Status));
        Assert.True(refused.Json.GetProperty("errors").TryGetProperty("twice", out _), refused.Body);
        Assert.Equal("1 40", await Database.ScalarAsync<string>(
            "SELECT string_agg(concat(id, ' ', twice), ',') FROM generated"));
    }

    [Fact]
    public async Task Should_serve_names_that_sql_needs_quoted()
    {
        // As in SQL: a dot in a bare name would otherwise separate it from its schema.
        const string Table = "\"we\"\"ird.na/me\"";
        var json = JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["se\"lect"] = "quote",
            ["a b; DROP TABLE no_key; --"] = 5,
            ["ünï'côde"] = "it's",
            ["$1"] = new[] { "\"q\"", "it's" },
        });

        var one = await Node.PostAsync(Table, json);
        var csv = await Node.PostAsync(
            Table, "\"se\"\"lect\",ünï'côde\ncsv,\"\"\"q\"\"\"\n", "text/csv");

        Assert.Equal((201, 200), (one.Status, csv.Status));
        Assert.Equal(1, csv.Lines[^1].GetProperty("committed").GetInt32());
        Assert.Equal("csv||\"q\"|;quote|5|it's|{\"\\\"q\\\"\",it's}", await Database.ScalarAsync<string>("""
            SELECT string_agg(concat("se""lect", '|', "a b; DROP TABLE no_key; --", '|', "ünï'côde", '|', "$1"), ';'
                              ORDER BY "se""lect") FROM "we""ird.na/me"
            """));
        Assert.Equal(2, (await Node.AccountAsync(Table)).GetProperty("committed").GetInt32());
    }

    [Fact]
    public async Task Should_serve_a_table_that_is_made_while_it_runs()
    {
        var before = await Node.PostAsync("made_later", """{"id":1}""");
        await Database.ExecuteAsync("CREATE TABLE made_later(id int PRIMARY KEY)");
        Answer? after = null;
        await Eventually.TrueAsync(
            async () => (after = await Node.PostAsync("made_later", """{"id":1}""")).Status != 404);

        Assert.Equal((404, 201), (before.Status, after!.Status));
        Assert.Equal(1, await Database.ScalarAsync<int>("SELECT id FROM made_later"));
    }

    public sealed class Fixture() : NodeFixture(
        """"
        CREATE TABLE uuid_key(id uuid PRIMARY KEY, note text);
        CREATE TABLE identity_by_default(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text);
        CREATE TABLE identity_always(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
        CREATE TABLE serial_key(id serial PRIMARY KEY, note text);
        CREATE TABLE serial_shared(id serial PRIMARY KEY, note text);
        CREATE TABLE client_key(code text PRIMARY KEY, note text);
        CREATE TABLE composite_key(tenant int, code text, note text, PRIMARY KEY (tenant, code));
        CREATE TABLE no_key(note text);
        CREATE TABLE shapes(id int PRIMARY KEY, a int DEFAULT 42, b text DEFAULT 'made');
        CREATE TABLE parts(id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100);
        CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (1000);
        CREATE TABLE generated(id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
        CREATE TYPE "en;um ""x""" AS ENUM ('it''s', '"q"');
        CREATE TABLE "we""ird.na/me"(
            id uuid PRIMARY KEY, "se""lect" text, "a b; DROP TABLE no_key; --" int, "ünï'côde" "en;um ""x""",
            "$1" "en;um ""x"""[]);
        """");
}
