using System.Text;
using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class RowErrorsTests : CatalogTest
{
    private const string Sql = "create table t (id uuid primary key, url text not null, n int, v varchar(3), j jsonb)";

    [Theory]
    [InlineData("", "is empty: expected a JSON object")]
    [InlineData(" \n ", "is empty: expected a JSON object")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("[{\"url\":\"x\"}]", "must be a JSON object")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("7", "must be a JSON object")]
    [InlineData("\"x\"", "must be a JSON object")]
    [InlineData("{", "is not valid JSON at line 1, byte 2")]
    [InlineData("{\"url\":\"x\"", "is not valid JSON at line 1, byte 11")]
    [InlineData("{\"url\":\"x\n\"}", "is not valid JSON at line 1, byte 10")]
    [InlineData("{\"url\":\"x\",}", "is not valid JSON at line 1, byte 12")]
    [InlineData("{\"url\":\"x\"/**/}", "is not valid JSON at line 1, byte 11")]
    [InlineData("{\"url\":\"x\"} {}", "is not valid JSON at line 1, byte 13")]
    [InlineData("{\n\"url\":\"x\"}\nx", "is not valid JSON at line 3, byte 1")]
    [InlineData("{url:\"x\"}", "is not valid JSON at line 1, byte 2")]
    [InlineData("{\"n\":01}", "is not valid JSON at line 1, byte 7")]
    [InlineData("{\"n\":NaN}", "is not valid JSON at line 1, byte 6")]
    public async Task Should_say_where_the_json_is_malformed(string json, string expected)
    {
        var table = await DescribeAsync(Sql);

        Assert.Equal(expected, Refuse(table, json));
    }

    [Theory]
    [InlineData("j")]
    [InlineData("nothing")]
    public async Task Should_refuse_what_is_nested_too_deep(string column)
    {
        var table = await DescribeAsync(Sql);
        var json = $"{{\"url\":\"x\",\"{column}\":{new string('[', 100)}{new string(']', 100)}}}";

        Assert.Contains("is nested deeper than 64 levels", Refuse(table, json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", "url is required")]
    [InlineData("""{"url":null}""", "url must not be null")]
    [InlineData("""{"url":"x","id":null}""", "id must not be null")]
    [InlineData("""{"url":"x","URL":"y"}""", "URL unknown column; columns are id, url, n, v, j")]
    [InlineData("""{"url":"x","\ud800":1}""", "\\ud800 unknown column; columns are id, url, n, v, j")]
    [InlineData("""{"url":"x","":1}""", " unknown column; columns are id, url, n, v, j")]
    [InlineData("""{"url":"x","url":"y"}""", "url is given more than once")]
    [InlineData("""{"url":"x","\u0075rl":"y"}""", "url is given more than once")]
    [InlineData("""{"url":"x","nope":{"a":[1,{"b":2}]},"n":1}""", "nope unknown column; columns are id, url, n, v, j")]
    public async Task Should_name_the_column_at_fault(string json, string expected)
    {
        var table = await DescribeAsync(Sql);

        Assert.Equal(expected, Refuse(table, json));
    }

    [Fact]
    public async Task Should_report_all_columns_at_fault()
    {
        var table = await DescribeAsync(Sql);

        var errors = Refuse(table, """{"n":"x","v":"four","zzz":1,"j":{"a":1},"n":2,"id":{"no":[]}}""").Split('\n');

        Assert.Equal(["n", "v", "zzz", "n", "id", "url"], errors.Select(error => error.Split(' ')[0]));
    }

    [Fact]
    public async Task Should_refuse_a_name_that_is_not_utf8()
    {
        var table = await DescribeAsync(Sql);
        var (errors, block) = (new RowErrors(), new RowBlock());
        byte[] json = [.. "{\"url\":\"x\",\""u8, 0xFF, 0xFE, .. "\":1}"u8];

        Assert.Equal(EncodeResult.Invalid, new RowEncoder(table).EncodeJson(json, block, errors));

        Assert.Contains("unknown column", Text(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_not_send_back_a_long_name_in_full()
    {
        var table = await DescribeAsync(Sql);

        var error = Refuse(table, $"{{\"url\":\"x\",\"{new string('a', 100_000)}\":1}}");

        Assert.InRange(error.Length, 1, 300);
    }

    [Fact]
    public async Task Should_encode_the_next_row_after_one_at_fault()
    {
        var table = await DescribeAsync(Sql);
        var (errors, block, encoder) = (new RowErrors(), new RowBlock(), new RowEncoder(table));
        foreach (var bad in new[] { "{\"url\":\"x\",\"n\":", "{\"v\":\"four\"}", "{\"url\":1}" })
        {
            Assert.Equal(EncodeResult.Invalid, encoder.EncodeJson(Encoding.UTF8.GetBytes(bad), block, errors));
            errors.Clear();
        }

        Assert.Equal(EncodeResult.Encoded, encoder.EncodeJson("""{"url":"x","n":1,"v":"abc"}"""u8, block, errors));

        await CopyAsync(table, block);
        Assert.Equal("x 1 abc", await Database.ScalarAsync<string>("select concat_ws(' ', url, n, v, j) from t"));
    }

    [Fact]
    public async Task Should_refuse_a_row_that_would_have_no_column_at_all()
    {
        var table = await DescribeAsync("create table t (a int default 1, b int default 2)");

        Assert.Equal("must give at least one column", Refuse(table, "{}"));
    }

    [Fact]
    public async Task Should_report_a_sequence_value_that_its_key_cannot_hold()
    {
        var table = await DescribeAsync("""
            create sequence s start with 40000; create table t (id int2 primary key default nextval('s'), a int)
            """);
        await table.Keys!.ReserveAsync(CancellationToken.None);

        Assert.StartsWith("id ", Refuse(table, """{"a":1}"""), StringComparison.Ordinal);
    }
}
