using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Tests.Catalog;

public sealed class TableCatalogTests : CatalogTest
{
    protected override CatalogOptions Options { get; } =
        Public with { Schemas = ["public", "sales", "we\"ird.na/me", "ingest"] };

    [Fact]
    public async Task Should_serve_bare_names_in_the_first_schema_only()
    {
        await DescribeAsync("create schema sales; create table t (a int); create table sales.t (a int)");

        Assert.Equal(["sales.t", "t"], Catalog.Tables.Select(table => table.Name));
        Assert.True(Catalog.TryGet("public.t", out var full));
        Assert.Equal("public", full.Schema);
        Assert.True(Catalog.TryGet("sales.t", out var other));
        Assert.Equal("\"sales\".\"t\"", other.SqlName);
    }

    [Theory]
    [InlineData("a.b", "\"a.b\"")]
    [InlineData("a/b", "\"a/b\"")]
    [InlineData("we\"ird.na/me", "\"we\"\"ird.na/me\"")]
    [InlineData("; drop table t", "; drop table t")]
    [InlineData("Ünïcode 🙂", "Ünïcode 🙂")]
    public async Task Should_quote_names_that_could_be_mistaken(string table, string served)
    {
        var column = table;
        await Database.ExecuteAsync($"create table {Quote(table)} ({Quote(column)} text)");

        var described = await TableAsync(served);

        Assert.Equal(table, described.Table);
        var json = $"{{{System.Text.Json.JsonSerializer.Serialize(column)}: \"x\"}}";
        Assert.Equal("x", await WriteAsync(described, json, $"select {Quote(column)} from {Quote(table)}"));
    }

    [Fact]
    public async Task Should_quote_schemas_that_could_be_mistaken()
    {
        var table = await DescribeAsync(
            "create schema \"we\"\"ird.na/me\"; create table \"we\"\"ird.na/me\".t (a int)", "\"we\"\"ird.na/me\".t");

        Assert.Equal("we\"ird.na/me", table.Schema);
    }

    [Fact]
    public async Task Should_never_serve_its_own_schema_nor_what_is_no_table()
    {
        await DescribeAsync("""
            create schema ingest; create table ingest.ledger (a int);
            create table t (a int); create view v as select a from t; create materialized view m as select a from t
            """);

        Assert.Equal(["t"], Catalog.Tables.Select(table => table.Name));
    }

    [Fact]
    public async Task Should_serve_partitioned_tables_and_their_partitions()
    {
        var parent = await DescribeAsync("""
            create table t (id bigserial, at date not null, primary key (id, at)) partition by range (at);
            create table t2026 partition of t for values from ('2026-01-01') to ('2027-01-01')
            """);

        Assert.Equal(["t", "t2026"], Catalog.Tables.Select(table => table.Name));
        Assert.Equal(["id", "at"], parent.Key.Select(column => column.Name));
    }

    [Fact]
    public async Task Should_keep_the_instance_while_a_table_is_unchanged()
    {
        const string sql = """
            create type mood as enum ('sad', 'ok');
            create domain positive as int default 1 check (value > 0);
            create table t (id serial primary key, m mood, p positive, moods mood[]);
            create table changing (a int)
            """;
        var before = await DescribeAsync(sql);

        await Database.ExecuteAsync("alter table changing add b int");

        Assert.Same(before, await TableAsync());
        Assert.Equal(2, (await TableAsync("changing")).Columns.Length);
    }

    [Theory]
    [InlineData("alter table t add c int")]
    [InlineData("alter table t drop a")]
    [InlineData("alter table t rename a to z")]
    [InlineData("alter table t alter a type bigint")]
    [InlineData("alter table t alter v type varchar(9)")]
    [InlineData("alter table t alter a set not null")]
    [InlineData("alter table t alter a set default 7")]
    [InlineData("alter table t drop constraint t_pkey")]
    [InlineData("alter type mood add value 'happy'")]
    [InlineData("alter domain positive set not null")]
    [InlineData("alter domain positive set default 2")]
    [InlineData("alter table t rename to u")]
    [InlineData("create function f() returns trigger language plpgsql as 'begin return new; end'; "
        + "create trigger g before insert on t for each row execute function f()")]
    public async Task Should_make_a_new_descriptor_when_a_table_changes(string change)
    {
        var before = await DescribeAsync("""
            create type mood as enum ('sad', 'ok');
            create domain positive as int check (value > 0);
            create table t (id int primary key, a int, v varchar(5), m mood, p positive)
            """);

        await Database.ExecuteAsync(change);

        await Catalog.RefreshAsync(CancellationToken.None);
        Assert.NotSame(before, Assert.Single(Catalog.Tables));
    }

    [Fact]
    public async Task Should_keep_reserved_keys_when_a_table_changes()
    {
        var before = await DescribeAsync("create table t (id serial primary key)");

        var after = await DescribeAsync("alter table t add a int");

        Assert.Same(before.Keys, after.Keys);
    }

    [Fact]
    public async Task Should_forget_tables_that_are_gone()
    {
        await DescribeAsync("create table t (a int)");

        await Database.ExecuteAsync("drop table t");
        await Catalog.RefreshAsync(CancellationToken.None);

        Assert.False(Catalog.TryGet("t", out _));
        Assert.Empty(Catalog.Tables);
    }

    [Fact]
    public async Task Should_find_a_table_that_was_made_a_moment_ago()
    {
        Assert.Null(await Catalog.FindAsync("t", CancellationToken.None));

        await Database.ExecuteAsync("create table t (a int)");

        Assert.NotNull(await Catalog.FindAsync("t", CancellationToken.None));
    }

    [Fact]
    public async Task Should_load_the_fingerprint_that_the_writer_computes()
    {
        var tables = new[]
        {
            await DescribeAsync("create table t (\"a, b\" varchar(5), c int, d numeric(5, 2)); alter table t drop c"),
            await DescribeAsync("create table u (a int)", "u"),
        };

        foreach (var table in tables)
        {
            await using var command = Database.DataSource.CreateCommand($"SELECT {CatalogSql.Fingerprint}");
            command.Parameters.Add(new() { Value = table.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            Assert.Equal(table.Fingerprint, await command.ExecuteScalarAsync());
        }

        Assert.NotEqual(tables[0].Fingerprint, tables[1].Fingerprint);
    }

    [Fact]
    public async Task Should_throw_and_keep_the_tables_while_the_database_is_down()
    {
        var settings = new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Port = 1 };
        await using var down = NpgsqlDataSource.Create(settings.ConnectionString);
        var catalog = new TableCatalog(down, Options, TimeProvider.System);

        await Assert.ThrowsAsync<NpgsqlException>(() => catalog.RefreshAsync(CancellationToken.None));
        await Assert.ThrowsAsync<NpgsqlException>(async () => await catalog.FindAsync("t", CancellationToken.None));
        Assert.Empty(catalog.Tables);
    }

    [Fact]
    public async Task Should_read_many_tables_quickly_enough_to_do_so_often()
    {
        await Database.ExecuteAsync("""
            do $$ begin for i in 1..500 loop
              execute format('create table many_%s (id bigint generated always as identity primary key, a text, '
                             'b int default 1, c uuid, d timestamptz default now(), e numeric(5, 2), f text[])', i);
            end loop; end $$
            """);

        var start = TimeProvider.System.GetTimestamp();
        await Catalog.RefreshAsync(CancellationToken.None);

        // A limit against reads that grow with the square of the tables, far above what the read takes.
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(500, Catalog.Tables.Count);
    }
}
