using System.Text;
using CsCheck;
using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class CsvTests : CatalogTest
{
    private const string Sql = "create table t (id int, a text, b text default 'd', n int not null default 0)";

    private static (RowHeader? Header, string Errors) Header(TableDescriptor table, string record)
    {
        var errors = new RowErrors();
        return (RowHeader.ParseCsv(table, Encoding.UTF8.GetBytes(record), errors), Text(errors));
    }

    private static string Encode(TableDescriptor table, string header, string record, RowBlock block)
    {
        var errors = new RowErrors();
        var result = new RowEncoder(table).EncodeCsv(
            Encoding.UTF8.GetBytes(record), Header(table, header).Header!, block, errors);
        Assert.Equal(errors.Any, result == EncodeResult.Invalid);
        return Text(errors);
    }

    [Theory]
    [InlineData("id,a,n", "1,x,2", "(1,x,d,2)")]
    [InlineData("n,a,id", "2,x,1", "(1,x,d,2)")]
    [InlineData("\uFEFFid,a", "1,x", "(1,x,d,0)")]
    [InlineData("\"id\",\"a\"", "\"1\",\"x\"", "(1,x,d,0)")]
    [InlineData("id,a,b", "1,,", "(1,,,0)")]
    [InlineData("id,a,b", "1,\"\",\"\"", "(1,\"\",\"\",0)")]
    [InlineData("id,a", ",", "(,,d,0)")]
    [InlineData("a", "", "(,,d,0)")]
    [InlineData("id,a", "1,\"x, \"\"y\"\"\r\nz\"", "(1,\"x, \"\"y\"\"\r\nz\",d,0)")]
    [InlineData("a", "\"\"\"\"", "(,\"\"\"\",d,0)")]
    [InlineData("a,b", " x , y ", "(,\" x \",\" y \",0)")]
    public async Task Should_read_records_as_postgresql_does(string header, string record, string expected)
    {
        var table = await DescribeAsync(Sql);
        var block = new RowBlock();

        Assert.Equal("", Encode(table, header, record, block));

        await CopyAsync(table, block);
        Assert.Equal(expected, await Database.ScalarAsync<string>("select t::text from t"));
    }

    [Theory]
    [InlineData("1", "has 1 fields where the header has 3")]
    [InlineData("1,x,2,3", "has 4 fields where the header has 3")]
    [InlineData("1,x,", "n must not be null")]
    [InlineData("1,\"x\"y,2", "goes on behind the closing quote of field 2")]
    [InlineData("1,x\"y\",2", "has a quote inside of field 2, which does not begin with one")]
    [InlineData("1,\"x,2", "has no closing quote in field 2")]
    public async Task Should_refuse_records_that_do_not_fit(string record, string expected)
    {
        var table = await DescribeAsync(Sql);
        var block = new RowBlock();

        Assert.Equal(expected, Encode(table, "id,a,n", record, block));
        Assert.Equal((0, 0), (block.Count, block.Writer.Length));
    }

    [Fact]
    public async Task Should_report_all_fields_at_fault()
    {
        var table = await DescribeAsync(Sql);

        var errors = Encode(table, "id,a,n", "x,y,z", new RowBlock()).Split('\n');

        Assert.Equal(["id", "n"], errors.Select(error => error.Split(' ')[0]));
    }

    [Theory]
    [InlineData("id,zzz", "zzz unknown column; columns are id, a, b, n")]
    [InlineData("", " unknown column; columns are id, a, b, n")]
    [InlineData("id,id", "id is given more than once")]
    [InlineData("id,\"a", "has a header line that has no closing quote in field 2")]
    public async Task Should_refuse_a_header_that_does_not_fit(string header, string expected)
    {
        var table = await DescribeAsync(Sql);

        Assert.Equal((null, expected), Header(table, header));
    }

    [Fact]
    public async Task Should_refuse_a_generated_column_in_the_header()
    {
        var table = await DescribeAsync("create table t (a int, g int generated always as (a) stored)");

        Assert.StartsWith("g is generated", Header(table, "a,g").Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_read_back_whatever_was_quoted()
    {
        var table = await DescribeAsync("create table t (n int, a text, b text)");
        var texts = Gen.String[Gen.Char["x,\"\r\n é"], 0, 8].Array[2].Array[300].Single();
        var block = new RowBlock();
        for (var n = 0; n < texts.Length; n++)
        {
            var record = string.Join(',', texts[n].Select(Quote).Prepend($"{n}"));
            Assert.Equal("", Encode(table, "n,a,b", record, block));
        }

        await CopyAsync(table, block);

        await using var read = Database.DataSource.CreateCommand("select a, b from t order by n");
        await using var rows = await read.ExecuteReaderAsync();
        foreach (var pair in texts)
        {
            Assert.True(await rows.ReadAsync());
            Assert.Equal(pair, new[] { rows.GetString(0), rows.GetString(1) });
        }
    }
}
