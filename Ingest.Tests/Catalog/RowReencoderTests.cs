using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class RowReencoderTests : CatalogTest
{
    private async Task<(RowRun Run, TableDescriptor Now)> ChangeAsync(
        string columns, string change, params string[] rows)
    {
        var before = await DescribeAsync($"create table t ({columns})");
        var block = new RowBlock();
        foreach (var row in rows) await EncodeAsync(before, row, block);
        Assert.True(before.Accepts(block.ShapeOf(0)));
        return (Run(block), await DescribeAsync(change));
    }

    private static async Task<(string Results, RowBlock Block)> ReencodeAsync((RowRun Run, TableDescriptor Now) old)
    {
        var block = new RowBlock();
        var results = await new RowReencoder(old.Now).ReencodeAsync(old.Run, block, CancellationToken.None);
        Assert.Equal(results.Count(rejection => rejection is null), block.Count);
        var texts = results.Select(rejection => rejection is null ? "ok" : $"{rejection.SqlState}:{rejection.Column}");
        return (string.Join(' ', texts), block);
    }

    [Theory]
    [InlineData("alter table t add c int", true)]
    [InlineData("alter table t add c int not null default 1", true)]
    [InlineData("alter table t add c int not null", false)]
    [InlineData("alter table t drop n", false)]
    [InlineData("alter table t rename n to m", false)]
    [InlineData("alter table t alter n type bigint", false)]
    [InlineData("alter table t alter v type varchar(9)", true)]
    [InlineData("alter table t drop n; alter table t add n int", true)]
    [InlineData("alter table t drop n; alter table t add n int generated always as (id) stored", false)]
    [InlineData("alter table t alter id add generated always as identity", true)]
    [InlineData("alter table t alter id add generated always as identity; alter table t drop constraint t_pkey", false)]
    public async Task Should_accept_a_shape_while_its_columns_are_as_they_were(string change, bool accepted)
    {
        var old = await ChangeAsync("id int primary key, n int, v varchar(5)", change, """{"id":1,"n":1}""");

        Assert.Equal(accepted, old.Now.Accepts(old.Run.Shape));
        Assert.Equal(accepted, old.Now.Accepts(old.Run.Shape));
    }

    [Theory]
    [InlineData("alter table t alter n type bigint", "ok ok ok")]
    [InlineData("alter table t drop n", "42703:n ok 42703:n")]
    [InlineData("alter table t rename n to m", "42703:n ok 42703:n")]
    [InlineData("alter table t alter n type int2", "ok ok 22000:n")]
    [InlineData("alter table t add c int not null", "23502:c 23502:c 23502:c")]
    [InlineData("alter table t alter n set not null", "ok 23502:n ok")]
    [InlineData("alter table t alter n set default 9; alter table t alter n set not null", "ok ok ok")]
    [InlineData("alter table t drop n; alter table t add n int generated always as (id) stored", "428C9:n ok 428C9:n")]
    public async Task Should_reject_only_the_rows_that_do_not_fit(string change, string expected)
    {
        var old = await ChangeAsync(
            "id int primary key, n int", change, """{"id":1,"n":1}""", """{"id":2}""", """{"id":3,"n":70000}""");

        var (results, block) = await ReencodeAsync(old);

        Assert.Equal(expected, results);
        await CopyAsync(old.Now, block);
        Assert.Equal(block.Count, await Database.ScalarAsync<long>("select count(*) from t"));
    }

    [Fact]
    public async Task Should_keep_the_key_that_was_made_for_the_row()
    {
        var old = await ChangeAsync(
            "id int generated always as identity (start with 500) primary key, n int",
            "alter table t alter n type text", """{"n":5}""", """{"n":6}""");

        var (results, block) = await ReencodeAsync(old);

        Assert.Equal("ok ok", results);
        await CopyAsync(old.Now, block);
        Assert.Equal("500 5, 501 6", await Database.ScalarAsync<string>(
            "select string_agg(id || ' ' || n, ', ' order by id) from t"));
    }

    [Fact]
    public async Task Should_make_a_key_where_the_table_has_one_now()
    {
        var old = await ChangeAsync(
            "n int", "alter table t add id bigserial primary key; alter table t alter n type text", """{"n":5}""");

        var (results, block) = await ReencodeAsync(old);

        Assert.Equal("ok", results);
        await CopyAsync(old.Now, block);
        Assert.Equal("5 1", await Database.ScalarAsync<string>("select n || ' ' || id from t"));
    }
}
