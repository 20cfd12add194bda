using System.Globalization;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using Ingest.Node.Writing.Isolation;
using Ingest.Tests.Http;

namespace Ingest.Tests.Writing;

/// <summary>What refused rows have in common is found in one column, and holds for rows that come later.</summary>
public sealed class ValueRangesTests
{
    private const int Count = 1_000;
    private const int BadEvery = 50;

    private static readonly RefusalKind Kind = new("P0001", null, null, null, null, null, "no");

    /// <summary>The type of the column that tells, a good value and a bad one, out of a number from 1 on.</summary>
    public static TheoryData<string, string, Func<int, string>, Func<int, string>> Telling { get; } = new()
    {
        { "int4", "negative", n => Text(n), n => Text(-n) },
        { "int8", "not positive", n => Text(n), n => Text(1 - (n % 3)) },
        { "int2", "too large", n => Text(n % 100), n => Text(100 + (n % 7)) },
        { "float8", "not positive", n => Text(n / 7.0), n => Text(-(n % 4) / 3.0) },
        { "float4", "one value", n => Text(n + 0.5), _ => "0" },
        { "numeric", "negative", n => Text(n / 100m), n => Text(-n / 100m) },
        { "numeric", "not positive", n => Text(n * 99.25m), n => Text(-(n % 5) * 1000m) },
        { "numeric", "too large", n => Text(n * 7_919 % 20_000), n => Text(20_000m + (n % 31)) },
        { "text", "another beginning", n => $"\"https://{n}\"", n => $"\"http://{n}\"" },
        { "text", "empty", n => $"\"{n}\"", _ => "\"\"" },
        { "text", "too long", n => $"\"same-start-{n}\"", n => $"\"same-start-{n}-and-more\"" },
        { "text", "NULL", n => $"\"{n}\"", _ => "null" },
        { "bool", "false", _ => "true", _ => "false" },
        { "date", "too early", n => $"\"{2000 + (n % 30)}-01-01\"", n => $"\"{1900 + (n % 90)}-01-01\"" },
        { "uuid", "one value", n => $"\"{new Guid(n, 7, 7, new byte[8])}\"", _ => $"\"{Guid.Empty}\"" },
        { "int8", "one of a few values", n => Text(n % 97 * 10), n => Text((n / 50 % 5 * 190) + 5) },
        { "text", "one of a few values", n => $"\"tenant-{n % 89}\"", n => $"\"closed-{n / 50 % 4}\"" },
        { "float8", "too little or too much", n => Text(n % 100), n => Text((n / 50 % 2 * 1_000) - 500 + n % 7) },
        { "jsonb", "empty", n => $$"""{"a":{{n}}}""", _ => "{}" },
    };

    [Theory]
    [MemberData(nameof(Telling))]
    public void Should_find_rows_of_later_batches_by_what_refused_rows_had_in_common(
        string type, string because, Func<int, string> good, Func<int, string> bad)
    {
        var table = TestTables.Of(("noise", "int8"), ("told", type));
        var (rows, refused) = Batch(table, first: 1, Row);
        var (later, expected) = Batch(table, first: 5_001, Row);

        var range = ValueRanges.Learn(Kind, rows, refused, known: null);

        Assert.NotNull(range);
        Assert.Equal((because, "told"), (because, range.Measure.Column));
        Assert.Equal(expected.Order(), range.Find(later).Order());

        string Row(int number, bool isBad) =>
            $$"""{"noise":{{(number * 7_919L) % 10_007}},"told":{{(isBad ? bad(number) : good(number))}}}""";
    }

    [Fact]
    public void Should_find_rows_that_leave_out_a_column()
    {
        var table = TestTables.Of(("noise", "int8"), ("told", "int4"));
        var (rows, refused) = Batch(
            table, 1, (number, isBad) => isBad ? """{"noise":1}""" : $$"""{"noise":1,"told":{{number}}}""");

        var range = ValueRanges.Learn(Kind, rows, refused, known: null);

        Assert.Equal(refused.Order(), range?.Find(rows).Order());
    }

    [Fact]
    public void Should_learn_nothing_where_no_column_alone_tells()
    {
        var table = TestTables.Of(("a", "int4"), ("b", "int4"));
        var (rows, refused) = Batch(table, 1, (number, isBad) =>
            $$"""{"a":{{number * 17 % 101}},"b":{{(isBad ? number * 17 % 101 : 101 - (number * 17 % 101))}}}""");

        Assert.Null(ValueRanges.Learn(Kind, rows, refused, known: null));
    }

    [Fact]
    public void Should_learn_nothing_from_values_that_hardly_recur()
    {
        var table = TestTables.Of(("a", "int4"));
        var (rows, refused) = Batch(table, 1, (number, isBad) => $$"""{"a":{{(2 * number) + (isBad ? 0 : 1)}}}""");

        Assert.Null(ValueRanges.Learn(Kind, rows, refused, known: null));
    }

    [Fact]
    public void Should_forget_one_value_that_is_not_refused_any_more_and_keep_the_others()
    {
        var table = TestTables.Of(("a", "int4"));
        var (rows, refused) = Batch(table, 1, (number, isBad) => Row(number, isBad ? number / 50 % 5 : -1));
        var (later, stillRefused) = Batch(table, 1, (number, isBad) =>
            Row(number, isBad ? 1 + (number / 50 % 2) : number % 10 == 0 ? 4 : -1));

        var known = ValueRanges.Learn(Kind, rows, refused, known: null)!;
        var range = ValueRanges.Learn(Kind, later, stillRefused, known)!;

        var (all, _) = Batch(table, 0, (number, _) => $$"""{"a":{{number}}}""");
        var found = range.Find(all);
        Assert.Equal([true, true, true, true, false], Enumerable.Range(0, 5).Select(one => found.Contains(Bad(one))));

        static int Bad(int one) => (one * 190) + 5;

        static string Row(int number, int bad) => $$"""{"a":{{(bad < 0 ? number % 97 * 10 : Bad(bad))}}}""";
    }

    [Fact]
    public void Should_learn_nothing_from_few_rows()
    {
        var table = TestTables.Of(("a", "int4"));
        var (rows, refused) = Batch(table, 1, (number, isBad) => $$"""{"a":{{(isBad ? -1 : number)}}}""");

        Assert.Null(ValueRanges.Learn(Kind, rows, refused.Take(ValueRanges.LeastRefused - 1).ToHashSet(), known: null));
    }

    [Fact]
    public void Should_add_to_what_was_known_unless_that_is_contradicted()
    {
        var table = TestTables.Of(("a", "int4"));
        var high = ValueRanges.Learn(Kind, Batch(table, 60).Rows, Batch(table, 60).Refused, known: null)!;
        var (rows, refused) = Batch(table, 30);

        var low = ValueRanges.Learn(Kind, rows, refused, known: null)!;
        var both = ValueRanges.Learn(Kind, rows, refused, high)!;
        var wide = high with { Ranges = [(high.Ranges[0].Low, ulong.MaxValue)] };
        var contradicted = ValueRanges.Learn(Kind, rows, refused, wide)!;

        // Halfway to the good rows, which are 0 and 100.
        Assert.Equal([(16, 64), (31, 79), (16, 79), (16, 64)], new[] { low, high, both, contradicted }.Select(Bounds));

        static (BatchRows Rows, HashSet<int> Refused) Batch(TableDescriptor table, int bad) =>
            ValueRangesTests.Batch(table, 1, (number, isBad) => $$"""{"a":{{(isBad ? bad : number % 2 * 100)}}}""");

        (int, int) Bounds(ValueRanges range)
        {
            var (all, _) = ValueRangesTests.Batch(table, 0, (number, _) => $$"""{"a":{{number}}}""");
            var found = range.Find(all);
            return (found.Min(), found.Max());
        }
    }

    [Fact]
    public void Should_tell_rows_apart_only_while_half_of_what_it_finds_was_refused_and_half_of_that_is_found()
    {
        HashSet<int> refused = [1, 2, 3, 4];

        Assert.True(ValueRanges.Tells(refused, [1, 2, 3, 4]));
        Assert.True(ValueRanges.Tells(refused, [1, 2]));
        Assert.True(ValueRanges.Tells(refused, [1, 2, 5, 6]));
        Assert.False(ValueRanges.Tells(refused, [1]));
        Assert.False(ValueRanges.Tells(refused, [1, 2, 5, 6, 7]));
        Assert.False(ValueRanges.Tells(refused, []));
    }

    private static (BatchRows Rows, HashSet<int> Refused) Batch(
        TableDescriptor table, int first, Func<int, bool, string> row)
    {
        var (block, errors, encoder) = (new RowBlock(), new RowErrors(), new RowEncoder(table));
        var slices = new List<RowSlice>();
        var bad = new HashSet<long>();
        for (var index = 0; index < Count; index++)
        {
            var isBad = index % BadEvery == 3;
            if (isBad) bad.Add(index);
            var json = row(first + index, isBad);
            Assert.True(encoder.EncodeJson(Encoding.UTF8.GetBytes(json), block, errors) == EncodeResult.Encoded, json);
            var tuple = block.Tuple(index).ToArray();
            slices.Add(new RowSlice(
                new RowRun(block.ShapeOf(index), tuple, [tuple.Length]), 0, 1, Tests.Rows.GatewayA, index));
        }

        // Grouped by shape: a row's index is not its place in the batch.
        var rows = new BatchRows(slices);
        return (rows, [.. Enumerable.Range(0, Count).Where(index => bad.Contains(rows.PlaceOf(index).Position))]);
    }

    private static string Text<T>(T number) where T : IFormattable =>
        number.ToString(null, CultureInfo.InvariantCulture);
}
