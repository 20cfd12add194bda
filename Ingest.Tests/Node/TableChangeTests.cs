using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>A table that is changed while encoded rows wait for their batch.</summary>
public sealed class TableChangeTests(TableChangeTests.Fixture fixture) : IClassFixture<TableChangeTests.Fixture>
{
    private TestDatabase Database => fixture.Database;

    [Theory]
    [InlineData("added", "ALTER TABLE added ADD COLUMN extra text DEFAULT 'e'", "1:10:e,2:20:e")]
    [InlineData("added_first", """
        ALTER TABLE added_first ADD COLUMN extra text DEFAULT 'e'; ALTER TABLE added_first DROP COLUMN unused
        """, "1:10:e,2:20:e")]
    [InlineData("widened", "ALTER TABLE widened ALTER COLUMN v TYPE bigint", "1:10,2:20")]
    [InlineData("real", "ALTER TABLE \"real\" ALTER COLUMN v TYPE real", "1:10,2:20")]
    [InlineData("worded", "ALTER TABLE worded ALTER COLUMN v TYPE text", "1:10,2:20")]
    [InlineData("remade", """
        DROP TABLE remade; CREATE TABLE remade(v bigint, more int DEFAULT 5, id int PRIMARY KEY)
        """, "10:5:1,20:5:2")]
    public async Task Should_write_the_rows_that_wait_into_the_table_as_it_is_now(
        string table, string change, string rows)
    {
        var posts = await BeginAsync(table, """{"id":1,"v":10}""", """{"id":2,"v":20}""");

        await Database.ExecuteAsync(change);

        Assert.All(await Task.WhenAll(posts), answer => Assert.Equal(201, answer.Status));
        Assert.Equal(rows, await ReadAsync(table));
    }

    [Fact]
    public async Task Should_take_a_column_that_was_added_a_moment_ago()
    {
        await fixture.Node.PostAsync("growing", """{"id":1}""");
        await Database.ExecuteAsync("ALTER TABLE growing ADD a int");
        var single = await fixture.Node.PostAsync("growing", """{"id":2,"a":1}""");
        await Later();
        await Database.ExecuteAsync("ALTER TABLE growing ADD b int");
        var stream = await fixture.Node.PostAsync(
            "growing", "{\"id\":3}\n{\"id\":4,\"b\":2}\n{\"id\":5,\"c\":3}\n{\"id\":6,\"a\":4}",
            "application/x-ndjson");
        await Later();
        await Database.ExecuteAsync("ALTER TABLE growing ADD c int");
        var csv = await fixture.Node.PostAsync("growing", "id,c\n7,5\n", "text/csv");

        Assert.Equal(201, single.Status);
        Assert.Equal(
            [201, 201, 400, 201],
            stream.Lines.SkipLast(1).Select(line => line.GetProperty("status").GetInt32()));
        Assert.Equal(1, csv.Lines[^1].GetProperty("committed").GetInt32());
        Assert.Equal("1:--- 2:1-- 3:--- 4:-2- 6:4-- 7:--5", await Database.ScalarAsync<string>(
            """
            SELECT string_agg(
                id || ':' || coalesce(a::text, '-') || coalesce(b::text, '-') || coalesce(c::text, '-'),
                ' ' ORDER BY id)
            FROM growing
            """));

        // The node looks once a second.
        static Task Later() => Task.Delay(TimeSpan.FromSeconds(1.1), CancellationToken.None);
    }

    [Fact]
    public async Task Should_refuse_one_by_one_what_no_longer_fits()
    {
        var posts = await BeginAsync(
            "narrowed", """{"id":1,"v":10}""", """{"id":2,"v":70000}""", """{"id":3,"v":30}""");

        await Database.ExecuteAsync("ALTER TABLE narrowed ALTER COLUMN v TYPE smallint");

        Assert.Equal([201, 400, 201], (await Task.WhenAll(posts)).Select(answer => answer.Status));
        Assert.Equal("1:10,3:30", await ReadAsync("narrowed"));
    }

    [Fact]
    public async Task Should_refuse_the_rows_that_give_a_column_that_is_gone()
    {
        var posts = await BeginAsync("dropped", """{"id":1,"v":10}""", """{"id":2}""");

        await Database.ExecuteAsync("ALTER TABLE dropped DROP COLUMN v");

        var answers = await Task.WhenAll(posts);
        Assert.InRange(answers[0].Status, 400, 422);
        Assert.Equal(201, answers[1].Status);
        Assert.Equal("2", await ReadAsync("dropped"));
    }

    [Fact]
    public async Task Should_refuse_the_rows_of_a_table_that_is_gone()
    {
        var posts = await BeginAsync("gone", """{"id":1,"v":10}""", """{"id":2,"v":20}""");

        await Database.ExecuteAsync("DROP TABLE gone");

        Assert.All(await Task.WhenAll(posts), answer => Assert.Equal(404, answer.Status));
    }

    /// <summary>Posts rows that then wait for the flush interval, encoded for the table as it was.</summary>
    private async Task<Task<Answer>[]> BeginAsync(string table, params string[] rows)
    {
        var before = fixture.Node.InFlightRows;
        var posts = rows.Select(row => fixture.Node.PostAsync(table, row)).ToArray();
        await Eventually.TrueAsync(() => fixture.Node.InFlightRows == before + rows.Length);
        return posts;
    }

    private Task<string> ReadAsync(string table) => Database.ScalarAsync<string>(
        $"SELECT string_agg(btrim(replace(t::text, ',', ':'), '()'), ',' ORDER BY id) FROM \"{table}\" t");

    public sealed class Fixture() : NodeFixture(
        """
        CREATE TABLE added(id int PRIMARY KEY, v int);
        CREATE TABLE added_first(unused int, id int PRIMARY KEY, v int);
        CREATE TABLE widened(id int PRIMARY KEY, v int);
        CREATE TABLE "real"(id int PRIMARY KEY, v int);
        CREATE TABLE worded(id int PRIMARY KEY, v int);
        CREATE TABLE remade(id int PRIMARY KEY, v int);
        CREATE TABLE narrowed(id int PRIMARY KEY, v int);
        CREATE TABLE dropped(id int PRIMARY KEY, v int);
        CREATE TABLE gone(id int PRIMARY KEY, v int);
        CREATE TABLE growing(id int PRIMARY KEY);
        """,
        ("INGEST_FLUSH_INTERVAL", "1s"));
}
