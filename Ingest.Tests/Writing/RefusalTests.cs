using System.Globalization;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing.Isolation;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>
/// Every reason for which PostgreSQL refuses a row, on each of the ways in which bad rows are found: exactly these rows
/// are rejected, each for its own reason, at a cost that does not grow with the good ones.
/// </summary>
public sealed class RefusalTests(RefusalTests.Fixture fixture) : IClassFixture<RefusalTests.Fixture>
{
    private const string Unread = "unread";
    private const string RangesAlone = "ranges alone";

    /// <summary>A few bad rows in a small batch, in a large one, many of them, nothing but bad rows; and without the
    /// right to read the table, or to temporary tables.</summary>
    private static readonly (string Name, int Rows, int Every)[] Ways =
    [
        ("small", 60, 20), ("one", 1, 1), ("large", 600, 150), ("many", 600, 7), ("all", 300, 1), (Unread, 600, 60),
        (RangesAlone, 300, 60),
    ];

    public static TheoryData<string> Names => [.. Refusal.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Should_reject_exactly_the_bad_rows_each_for_its_own_reason(string name)
    {
        var refusal = Refusal.All[name];
        foreach (var (way, rows, every) in Ways)
        {
            if ((refusal.IsRepeat && every == 1) || (refusal.NeedsStaging && way == RangesAlone)) continue;
            var database = way switch { RangesAlone => fixture.Plain, Unread => fixture.Unread, _ => fixture.Staging };
            await database.Database.ExecuteAsync(
                "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC");
            await database.Database.ExecuteAsync(With(refusal.Tables, name));
            await database.RefreshAsync();
            var bad = Enumerable.Range(1, rows).Where(id => id % every == 0).ToList();
            var batch = database.BatchOf(name, [.. Enumerable.Range(1, rows).Select(
                id => $$"""{"id":{{id}},"v":{{(id % every == 0 ? refusal.Bad : With(refusal.Good, id))}}}""")]);
            await database.Database.ExecuteAsync(With(refusal.Meanwhile, name));

            var written = Assert.IsType<Written>(await database.Store.WriteAsync(batch, CancellationToken.None));

            AssertRejected(way, refusal, bad, written, batch);
            var found = await database.Database.ScalarAsync<int[]>(
                $"SELECT coalesce(array_agg(id ORDER BY id), '{{}}') FROM {name} WHERE id > 0");
            Assert.Equal(Enumerable.Range(1, rows).Except(bad), found);
            AssertAttempts(written.Stats, rows, bad.Count, isStaged: way != RangesAlone);
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(600)]
    public async Task Should_find_bad_rows_whatever_the_names_of_table_and_columns(int rows)
    {
        const string table = "Odd's";
        const string column = @"o'dd \ $$ ""%s"" {0}";
        var quoted = TableNames.Quote(column);
        var database = fixture.Staging;
        await database.Database.ExecuteAsync(
            $"""
            DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC;
            CREATE TABLE "Odd's" ("candidate" int PRIMARY KEY, {quoted} int CHECK ({quoted} > 0), "tried" int);
            """);
        await database.RefreshAsync();
        var name = JsonSerializer.Serialize(column);
        var batch = database.BatchOf(table, [.. Enumerable.Range(1, rows).Select(
            id => $$"""{"candidate":{{id}},{{name}}:{{(id % 20 == 0 ? -1 : 1)}},"tried":{{id}}}""")]);

        var written = Assert.IsType<Written>(await database.Store.WriteAsync(batch, CancellationToken.None));

        Assert.Equal(rows / 20, written.Rejections.Length);
        Assert.All(written.Rejections, row => Assert.Equal("23514", row.Rejection.SqlState));
        Assert.Equal(rows - (rows / 20), await database.Database.ScalarAsync<long>(
            "SELECT count(*) FROM \"Odd's\" WHERE tried = candidate"));
    }

    private static string With(string text, object value) =>
        text.Replace("{0}", Convert.ToString(value, CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static void AssertRejected(string way, Refusal refusal, List<int> bad, Written written, Batch batch)
    {
        var first = batch.Parts[0].First - 1;
        var rejected = written.Rejections.OrderBy(row => row.Position).ToList();
        Assert.Equal(bad, rejected.Select(row => (int)(row.Position - first)));
        var expected = (way, refusal.SqlState, refusal.Constraint, refusal.Column);
        Assert.All(rejected, row => Assert.Equal(
            expected, (way, row.Rejection.SqlState, row.Rejection.Constraint, row.Rejection.Column)));
    }

    /// <summary>The bound that docs/architecture.md states.</summary>
    private static void AssertAttempts(WriteStats stats, int rows, int bad, bool isStaged)
    {
        var bound = 3 + (bad * (3 + (2 * Math.Log2(rows))));
        // Where the server tries rows one by one, there is a bound that does not grow with the bad rows either.
        var staged = 3 + Suspicions.Most + (2 * RowIsolation.MostFailures) + Math.Log2(rows);
        if (isStaged) bound = Math.Min(bound, staged);
        Assert.InRange(stats.Attempts, 1, bound);
        Assert.InRange(stats.RowsTried, rows, rows * (4 + (2 * Math.Log2(rows))));
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal LaneDatabase Staging { get; private set; } = null!;

        internal LaneDatabase Unread { get; private set; } = null!;

        internal LaneDatabase Plain { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Staging = await LaneDatabase.CreateAsync(mayStage: true);
            Unread = await LaneDatabase.CreateAsync(mayStage: true, mayRead: false);
            Plain = await LaneDatabase.CreateAsync(mayStage: false);
        }

        public async Task DisposeAsync()
        {
            await Staging.DisposeAsync();
            await Unread.DisposeAsync();
            await Plain.DisposeAsync();
        }
    }
}
