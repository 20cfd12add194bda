using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Rows that are good because of others in their batch stay so beside a bad one.</summary>
public sealed class NeighbourTests : IAsyncLifetime
{
    private LaneDatabase lanes = null!;

    public async Task InitializeAsync()
    {
        lanes = await LaneDatabase.CreateAsync(mayStage: true);
        await lanes.Database.ExecuteAsync(
            """
            CREATE TABLE later (
                id int PRIMARY KEY, parent int REFERENCES later DEFERRABLE INITIALLY DEFERRED, v int CHECK (v > 0));
            CREATE TABLE sooner (
                id int PRIMARY KEY, parent int REFERENCES sooner, v int CHECK (v > 0), pad text);
            ALTER TABLE sooner ALTER pad SET STORAGE PLAIN;
            CREATE TABLE keyed (id int PRIMARY KEY, v int UNIQUE CHECK (v > 0), pad text);
            """);
        await lanes.RefreshAsync();
    }

    public async Task DisposeAsync() => await lanes.DisposeAsync();

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    [InlineData(600)]
    public async Task Should_keep_rows_that_come_before_the_one_to_which_they_refer(int rows)
    {
        var bad = rows / 2 * 2;
        var written = await WriteAsync("later", Enumerable.Range(1, rows + 1).Select(id => id == bad + 1
            ? $$"""{"id":{{id}},"v":-1}"""
            // Each odd one refers to the next one, of another shape.
            : id % 2 == 1 && id < bad ? $$"""{"id":{{id}},"parent":{{id + 1}},"v":1}""" : $$"""{"id":{{id}},"v":1}"""));

        Assert.Equal(["23514"], written.Rejections.Select(row => row.Rejection.SqlState));
        Assert.Equal(rows, await CountAsync("later"));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(600)]
    public async Task Should_refuse_with_a_row_those_that_refer_to_it_and_no_others(int rows)
    {
        // 4 <- 3 <- 2 <- 1, 8 <- ..., of which every tenth fourth one is bad.
        var written = await WriteAsync("later", Enumerable.Range(1, rows).Select(id => id % 4 == 0
            ? $$"""{"id":{{id}},"v":{{(id % 40 == 0 ? -1 : 1)}}}"""
            : $$"""{"id":{{id}},"parent":{{id + 1}},"v":1}"""));

        Assert.Equal(
            Enumerable.Range(1, rows)
                .Where(id => (id + 3) / 4 % 10 == 0)
                .Select(id => (id, id % 4 == 0 ? "23514" : "23503")),
            written.Rejections.OrderBy(row => row.Position)
                .Select(row => ((int)row.Position, row.Rejection.SqlState)));
    }

    [Theory]
    [InlineData(160)]
    [InlineData(600)]
    public async Task Should_try_rows_in_the_order_in_which_they_came_whatever_their_length(int rows)
    {
        // What a long row leaves of a page would take many a short one.
        for (var turn = 0; turn < 2; turn++)
        {
            var first = 10_000 * turn;
            var written = await WriteAsync("sooner", Enumerable.Range(first + 1, rows).Select(id => id switch
            {
                _ when id == first + rows => $$"""{"id":{{id}},"parent":{{id - 1}},"v":-1,"pad":""}""",
                _ when id == first + 1 => $$"""{"id":{{id}},"parent":{{id}},"v":1,"pad":""}""",
                _ => $$"""{"id":{{id}},"parent":{{id - 1}},"v":1,"pad":"{{new string('x', id % 7 * 300)}}"}""",
            }));

            Assert.Equal([(long)((turn + 1) * rows)], written.Rejections.Select(row => row.Position));
            Assert.Equal((turn + 1) * (rows - 1), await CountAsync("sooner"));
        }
    }

    [Fact]
    public async Task Should_let_the_first_of_two_rows_with_one_key_win_whatever_their_length()
    {
        const int pairs = 120;
        for (var turn = 0; turn < 3; turn++)
        {
            var first = 1_000 * turn;
            var written = await WriteAsync("keyed", Enumerable.Range(0, 2 * pairs).Select(row =>
                $$"""{"id":{{first + row}},"v":{{first + (row % pairs) + 1}},"pad":"{{Pad(row)}}"}"""));

            Assert.Equal(pairs, written.Rejections.Length);
            Assert.Equal(0L, await lanes.Database.ScalarAsync<long>(
                $"SELECT count(*) FROM keyed WHERE id >= {first + pairs}"));
        }

        // Not to be compressed.
        static string Pad(int row) => string.Concat(
            Enumerable.Range(0, row < pairs ? 58 : 9).Select(part => Convert.ToHexString(
                System.Security.Cryptography.SHA256.HashData([(byte)row, (byte)part]).AsSpan(0, 16))));
    }

    private async Task<Written> WriteAsync(string table, IEnumerable<string> rows) =>
        Assert.IsType<Written>(await lanes.Store.WriteAsync(lanes.BatchOf(table, [.. rows]), CancellationToken.None));

    private async Task<int> CountAsync(string table) =>
        (int)await lanes.Database.ScalarAsync<long>($"SELECT count(*) FROM {table}");
}
