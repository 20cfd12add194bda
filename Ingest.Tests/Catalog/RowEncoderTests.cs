using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class RowEncoderTests : CatalogTest
{
    private const string Clicks = """
        create table t (id uuid primary key default gen_random_uuid(), url text not null, user_id bigint,
                        amount double precision, at timestamptz not null default '2026-01-01', note varchar(5))
        """;

    private const string Id = "0199aa00-0000-7000-8000-000000000001";

    [Fact]
    public async Task Should_write_rows_that_read_back_as_they_were_given()
    {
        var table = await DescribeAsync(Clicks);
        var block = new RowBlock();
        await EncodeAsync(table, $$"""
            {"id":"{{Id}}","url":"https://a.b/\u00fc","user_id":null,"amount":1.5,"at":"2026-11-23T10:00:00Z"}
            """, block);
        await EncodeAsync(table, """ {"url":"x", "user\u005fid":9007199254740993} """, block);

        await CopyAsync(table, block);

        Assert.Equal($"{Id} https://a.b/ü 1.5 t", await Database.ScalarAsync<string>(
            "select concat_ws(' ', id, url, user_id, amount, note, at = '2026-11-23 10:00Z') from t "
            + "where amount = 1.5"));
        Assert.Equal("x 9007199254740993 t", await Database.ScalarAsync<string>(
            "select concat_ws(' ', url, user_id, amount, note, at = '2026-01-01') from t where url = 'x'"));
    }

    [Fact]
    public async Task Should_encode_the_same_tuple_for_any_order_of_members()
    {
        var table = await DescribeAsync(Clicks);
        string[] members =
        [
            $"\"id\":\"{Id}\"", "\"url\":\"u\"", "\"user_id\":7", "\"amount\":0.25",
            "\"at\":\"2026-05-05T00:00:00Z\"", "\"note\":\"n\"",
        ];
        var row = Gen.Select(
            Gen.Shuffle(members),
            Gen.Bool.Array[members.Length],
            Gen.Int[0, 2].Select(i => new[] { "", " ", "\n\t" }[i]));
        var seen = new Dictionary<string, (Shape Shape, byte[] Tuple)>();

        row.Sample((shuffled, keep, space) =>
        {
            // The id is always given, since one that is made differs each time; the url is required.
            var given = shuffled.Where(member => Array.IndexOf(members, member) is var i && (i < 2 || keep[i]));
            var (block, errors) = (new RowBlock(), new RowErrors());
            var json = $"{{{space}{string.Join($"{space},{space}", given)}{space}}}{space}";

            var result = new RowEncoder(table).EncodeJson(Encoding.UTF8.GetBytes(json), block, errors);

            Assert.True(result == EncodeResult.Encoded, $"{json}: {Text(errors)}");
            var key = string.Join(',', given.Order(StringComparer.Ordinal));
            var now = (block.ShapeOf(0), block.Tuple(0).ToArray());
            if (!seen.TryAdd(key, now))
            {
                Assert.Same(seen[key].Shape, now.Item1);
                Assert.Equal(seen[key].Tuple, now.Item2);
            }
        }, iter: 500, threads: 1);

        // Only the column with a default that may be left out makes a difference to the shape.
        Assert.Equal(2, seen.Values.Select(entry => entry.Shape).Distinct().Count());
    }

    [Fact]
    public async Task Should_write_random_rows_as_an_insert_does()
    {
        await Database.ExecuteAsync("""
            create table expected (n int, s text, b boolean, d numeric, a int[], j jsonb, u text default 'd')
            """);
        var table = await DescribeAsync("create table t (like expected including defaults)");
        var value = Gen.Select(
            Gen.Int.Nullable(), Gen.String[Gen.Char['\u0001', '\uD7FF'], 0, 20], Gen.Bool, Gen.Decimal,
            Gen.Int.Array[0, 4], Gen.Bool);
        var rows = value.List[200].Single();
        var block = new RowBlock();
        var expected = new List<string>();
        foreach (var (n, s, b, d, a, leavesOut) in rows)
        {
            var row = new Dictionary<string, object?>
            {
                ["n"] = n, ["s"] = s, ["b"] = b, ["d"] = d, ["a"] = a, ["j"] = new { s, a },
                ["u"] = leavesOut ? "d" : null,
            };
            expected.Add(JsonSerializer.Serialize(row));
            if (leavesOut) row.Remove("u");
            await EncodeAsync(table, JsonSerializer.Serialize(row), block);
        }

        await CopyAsync(table, block);
        await using var insert = Database.DataSource.CreateCommand(
            "insert into expected select r.* from unnest($1) x, jsonb_populate_record(null::expected, x::jsonb) r");
        insert.Parameters.Add(new() { Value = expected.ToArray() });
        await insert.ExecuteNonQueryAsync();

        Assert.Equal(200, await Database.ScalarAsync<long>("select count(*) from t"));
        Assert.Equal(0, await Database.ScalarAsync<long>(
            "select count(*) from "
            + "((table t except all table expected) union all (table expected except all table t)) x"));
    }

    [Fact]
    public async Task Should_make_uuid_keys_that_rise()
    {
        var table = await DescribeAsync(Clicks);
        var block = new RowBlock();
        for (var i = 0; i < 1_000; i++) await EncodeAsync(table, """{"url":"u"}""", block);

        await CopyAsync(table, block);

        var keys = Enumerable.Range(0, 1_000).Select(row => Key(table, block, row).Trim('"')).ToList();
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
        Assert.All(keys, key => Assert.Equal('7', key[14]));
        Assert.Equal(1_000, keys.Distinct().Count());
        Assert.Equal(keys[^1], await Database.ScalarAsync<string>("select id::text from t order by id desc limit 1"));
    }

    [Theory]
    [InlineData("id int primary key", """{"id":5}""", "5")]
    [InlineData("id text primary key", """{"id":"a\"b"}""", "\"a\\u0022b\"")]
    [InlineData("a int, b text, primary key (b, a)", """{"a":1,"b":"x"}""", """{"b":"x","a":1}""")]
    [InlineData("id int", """{"id":5}""", "null")]
    [InlineData("id bigint primary key default 4 + (random() * 0)::int, c int", """{"c":5}""", "null")]
    public async Task Should_tell_the_key_of_a_row(string columns, string json, string key)
    {
        var table = await DescribeAsync($"create table t ({columns})");
        var block = new RowBlock();

        await EncodeAsync(table, json, block);

        Assert.Equal(key, Key(table, block, 0));
    }

    private static string Key(TableDescriptor table, RowBlock block, int row)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
            RowEncoder.WriteKey(table, block.ShapeOf(row), block.Tuple(row), json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    [Fact]
    public async Task Should_leave_the_block_as_it_was_when_a_row_needs_keys()
    {
        var table = await DescribeAsync("create table t (id serial primary key, a int)");
        var (block, errors, encoder) = (new RowBlock(), new RowErrors(), new RowEncoder(table));

        Assert.Equal(EncodeResult.NeedsKeys, encoder.EncodeJson("""{"a":1}"""u8, block, errors));
        Assert.Equal((0, 0, false), (block.Count, block.Writer.Length, errors.Any));

        await table.Keys!.ReserveAsync(CancellationToken.None);
        Assert.Equal(EncodeResult.Encoded, encoder.EncodeJson("""{"a":1}"""u8, block, errors));
    }

    [Fact]
    public async Task Should_allocate_nothing_for_a_valid_row()
    {
        var table = await DescribeAsync(Clicks);
        var (block, errors, encoder) = (new RowBlock(), new RowErrors(), new RowEncoder(table));
        var row = """{"at":"2026-11-23T10:00:00Z","url":"https://example.org","user_id":42,"amount":1.5}"""u8.ToArray();
        // Enough for the random pool to be refilled, and for the runtime to settle on its code.
        for (var i = 0; i < 2_000; i++) Assert.Equal(EncodeResult.Encoded, Encode());

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 2_000; i++) Encode();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);

        EncodeResult Encode()
        {
            block.Clear();
            return encoder.EncodeJson(row, block, errors);
        }
    }

    [Fact]
    public async Task Should_not_keep_more_shapes_than_the_limit()
    {
        var columns = string.Join(", ", Enumerable.Range(0, 70).Select(i => $"c{i} int default {i}"));
        var table = await DescribeAsync($"create table t ({columns})");
        var shapes = new HashSet<Shape>();
        var block = new RowBlock();
        for (var i = 1; i <= RowPlan.MostShapes + 10; i++)
        {
            var bits = i;
            var given = Enumerable.Range(0, 13)
                .Where(bit => (bits >> bit & 1) != 0)
                .Select(bit => $"\"c{bit + 57}\":{bits}");
            block.Clear();
            await EncodeAsync(table, $"{{{string.Join(',', given)}}}", block);
            shapes.Add(block.ShapeOf(0));
        }

        Assert.Equal(RowPlan.MostShapes + 10, shapes.Count);
        await EncodeAsync(table, """{"c69":1,"c57":2}""", block);
        await CopyAsync(table, block);
        Assert.Equal("2 68", await Database.ScalarAsync<string>("select c57 || ' ' || c68 from t where c69 = 1"));
    }
}
