using Ingest.Messages;
using Ingest.Node.Writing;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Small batches, which try one round trip first.</summary>
public sealed class SmallBatchLaneTableTests() : LaneTableTests(SingleTrip.MostRows);

/// <summary>Large batches, which go by COPY.</summary>
public sealed class LargeBatchLaneTableTests() : LaneTableTests(mostRowsAtOnce: 0);

/// <summary>The store and its table: rows that it refuses, and a table that changes while they are under way.</summary>
public abstract class LaneTableTests(int mostRowsAtOnce) : IAsyncLifetime
{
    private LaneDatabase lanes = null!;

    public async Task InitializeAsync()
    {
        lanes = await LaneDatabase.CreateAsync(mayStage: true, mostRowsAtOnce: mostRowsAtOnce);
        await lanes.Database.ExecuteAsync("""
            CREATE TABLE items (
                id bigint PRIMARY KEY, name text NOT NULL, size int CHECK (size < 1000), note text DEFAULT 'none');
            """);
        await lanes.RefreshAsync();
    }

    public async Task DisposeAsync() => await lanes.DisposeAsync();

    [Fact]
    public async Task Should_reject_a_row_that_divides_by_zero_and_write_the_others()
    {
        await lanes.Database.ExecuteAsync("ALTER TABLE items ADD CHECK (size IS NULL OR 10 / size > 0)");

        var written = await WriteAsync(BatchOf(
            Item(1), """{"id":2,"name":"b","size":0}""", """{"id":3,"name":"c","size":2}"""));

        Assert.Equal([(2L, "22012")], written.Rejections.Select(row => (row.Position, row.Rejection.SqlState)));
        Assert.Equal([1L, 3L], await IdsAsync());
    }

    [Fact]
    public async Task Should_reject_only_the_rows_for_which_a_trigger_misses_a_table()
    {
        await lanes.Database.ExecuteAsync("""
            CREATE TABLE copies_a (id bigint);
            CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN EXECUTE format('INSERT INTO copies_%s VALUES (%s)', NEW.name, NEW.id); RETURN NEW; END $$;
            CREATE TRIGGER copy BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION copy();
            """);
        await lanes.RefreshAsync();

        var written = await WriteAsync(BatchOf(
            """{"id":1,"name":"a"}""", """{"id":2,"name":"b"}""", """{"id":3,"name":"a"}"""));

        Assert.Equal([(2L, "42P01")], written.Rejections.Select(row => (row.Position, row.Rejection.SqlState)));
        Assert.Equal([1L, 3L], await IdsAsync());
    }

    [Fact]
    public async Task Should_reject_each_bad_row_alone_and_commit_the_others()
    {
        await lanes.Database.ExecuteAsync("INSERT INTO items VALUES (5, 'there', 1)");

        var written = await WriteAsync(BatchOf(
            Item(1), """{"id":1,"name":"again"}""", """{"id":2,"name":"b","size":5000}""", Item(5), Item(6)));

        var rejections = written.Rejections;
        Assert.Equal([(2L, "23505"), (3L, "23514"), (4L, "23505")],
            rejections.Select(row => (row.Position, row.Rejection.SqlState)));
        Assert.Equal(
            ["items_pkey", "items_size_check", "items_pkey"], rejections.Select(row => row.Rejection.Constraint!));
        Assert.Equal([1L, 5L, 6L], await IdsAsync());
        Assert.Equal(3L, await lanes.Database.ScalarAsync<long>(
            "SELECT count(*) FROM ingest.exceptions WHERE sqlstate IS NOT NULL"));
    }

    [Fact]
    public async Task Should_read_bytes_as_what_they_were_encoded_for_when_a_column_takes_a_type_of_the_same_length()
    {
        var batch = BatchOf("""{"id":1,"name":"a","size":7}""");
        await lanes.Database.ExecuteAsync("ALTER TABLE items ALTER size TYPE real");

        Assert.Empty((await WriteAsync(batch)).Rejections);

        Assert.Equal(7f, await lanes.Database.ScalarAsync<float>("SELECT size FROM items"));
    }

    [Fact]
    public async Task Should_reject_only_the_rows_that_a_changed_table_cannot_take()
    {
        var batch = BatchOf(Item(1), """{"id":2,"name":"b","note":"x"}""");
        await lanes.Database.ExecuteAsync("ALTER TABLE items DROP note");

        var rejection = Assert.Single((await WriteAsync(batch)).Rejections);

        Assert.Equal(
            (2L, "42703", "note"), (rejection.Position, rejection.Rejection.SqlState, rejection.Rejection.Column));
        Assert.Equal([1L], await IdsAsync());
    }

    [Fact]
    public async Task Should_reject_all_rows_of_a_table_that_is_gone()
    {
        var batch = BatchOf(Item(1), Item(2));
        await lanes.Database.ExecuteAsync("DROP TABLE items");

        var rejections = (await WriteAsync(batch)).Rejections;

        Assert.Equal(["42P01", "42P01"], rejections.Select(row => row.Rejection.SqlState));
        Assert.Equal(2L, await lanes.Database.ScalarAsync<long>("SELECT position FROM ingest.ledger"));
    }

    [Fact]
    public async Task Should_write_by_way_of_a_staging_table_what_copy_cannot()
    {
        await lanes.Database.ExecuteAsync("""
            ALTER TABLE items ADD place point, ADD flags bit(3);
            """);
        await lanes.RefreshAsync();

        var written = await WriteAsync(BatchOf(
            """{"id":1,"name":"a","place":"(1,2)","flags":"101"}""",
            """{"id":2,"name":"b","place":"nowhere"}""",
            """{"id":3,"name":"c","flags":"10101"}""",
            """{"id":4,"name":"d","place":null,"flags":null}"""));

        Assert.Equal([(2L, "22P02"), (3L, "22026")],
            written.Rejections.Select(row => (row.Position, row.Rejection.SqlState)));
        Assert.Equal([1L, 4L], await IdsAsync());
        Assert.Equal("(1,2) 101", await lanes.Database.ScalarAsync<string>(
            "SELECT place::text || ' ' || flags::text FROM items WHERE id = 1"));
    }

    private static string Item(long id) => $$"""{"id":{{id}},"name":"item {{id}}"}""";

    private Batch BatchOf(params string[] rows) => lanes.BatchOf("items", rows);

    private async Task<Written> WriteAsync(Batch batch) =>
        Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, CancellationToken.None));

    private async Task<List<long>> IdsAsync() =>
        [.. await lanes.Database.ScalarAsync<long[]>("SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM items")];
}
