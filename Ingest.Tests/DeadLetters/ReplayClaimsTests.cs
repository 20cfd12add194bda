using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.DeadLetters;

/// <summary>A letter is replayed once, whoever asks for it and however often.</summary>
public sealed class ReplayClaimsTests : IAsyncLifetime
{
    private const string Payload = """{"id":2,"size":11}""";
    private const string Mended = """{"id":2,"size":1}""";

    private static readonly LaneId Lane = new("items", 0);

    private LetterDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await LetterDatabase.CreateAsync("CREATE TABLE items (id bigint, size int CHECK (size < 10))");
        await database.WriteAsync(database.BatchOf(Lane, 0, [Payload]));
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_write_a_mended_letter_once_and_answer_repeats_with_its_row()
    {
        await EditAsync(Mended);

        var first = await WriteAsync(database.ReplayOf(Lane, 1, 1, Mended));
        var again = await WriteAsync(database.ReplayOf(Lane, 2, 1, Mended));

        Assert.Empty(first.Rejections);
        Assert.Empty(first.Repeats);
        Assert.Single(again.Repeats);
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
        Assert.Equal("t t 2", await LetterAsync("payload IS NULL, replayed_at IS NOT NULL, attempts"));
    }

    [Fact]
    public async Task Should_write_a_letter_once_that_two_lanes_replay_at_the_same_time()
    {
        await EditAsync(Mended);
        var batches = Enumerable.Range(1, 8).Select(lane => database.ReplayOf(new LaneId("items", lane), 0, 1, Mended));

        var results = await Task.WhenAll(batches.Select(WriteAsync));

        Assert.Equal(7, results.Sum(result => result.Repeats.Length));
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Should_write_a_letter_once_that_comes_twice_in_one_batch()
    {
        await EditAsync(Mended);
        var key = new RowKey(0, LetterKey.Of(1), Ingest.Node.DeadLetters.LetterPayload.DigestOf(Mended));

        var result = await WriteAsync(
            database.BatchOf(Lane, 1, [Mended, """{"id":3}""", Mended], key, key with { Row = 2 }));

        Assert.Equal([4L], result.Repeats.Select(repeat => repeat.Position));
        Assert.Equal(
            "2,3", await database.ScalarAsync<string>("SELECT string_agg(id::text, ',' ORDER BY id) FROM items"));
    }

    [Fact]
    public async Task Should_keep_a_letter_that_is_refused_again_with_its_newest_error()
    {
        await database.ExecuteAsync(
            "ALTER TABLE items DROP CONSTRAINT items_size_check, ADD CONSTRAINT small CHECK (size < 5)");

        var result = await WriteAsync(database.ReplayOf(Lane, 1, 1, Payload));

        Assert.Equal("small", Assert.Single(result.Rejections).Rejection.Constraint);
        Assert.Equal($"{Payload} 23514 small 2", await LetterAsync("payload, sqlstate, constraint_name, attempts"));
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.dead_letters"));
    }

    [Fact]
    public async Task Should_keep_a_letter_whose_row_the_changed_table_does_not_take()
    {
        var batch = database.ReplayOf(Lane, 1, 1, Payload);
        await database.ExecuteAsync("ALTER TABLE items DROP size");

        Assert.Equal("42703", Assert.Single((await WriteAsync(batch)).Rejections).Rejection.SqlState);

        Assert.Equal($"{Payload} 42703 size 2", await LetterAsync("payload, sqlstate, column_name, attempts"));
    }

    [Fact]
    public async Task Should_not_write_a_letter_that_was_edited_or_discarded_meanwhile()
    {
        var batch = database.BatchOf(
            Lane, 1, ["""{"id":2}""", """{"id":3}"""],
            new RowKey(0, LetterKey.Of(1), Guid.NewGuid()), new RowKey(1, LetterKey.Of(99), Guid.NewGuid()));

        var rejections = (await WriteAsync(batch)).Rejections;

        Assert.Equal([LetterKey.Changed, LetterKey.Gone], rejections.Select(row => row.Rejection.SqlState));
        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
        Assert.Equal($"{Payload} 1", await LetterAsync("payload, attempts"));
    }

    [Fact]
    public async Task Should_settle_the_key_that_the_row_came_with()
    {
        var key = new RowKey(0, "order-7", Guid.NewGuid());
        await WriteAsync(database.BatchOf(Lane, 1, [Payload], key));
        await database.ExecuteAsync($"UPDATE ingest.dead_letters SET payload = '{Mended}' WHERE id = 2");

        Assert.Empty((await WriteAsync(database.ReplayOf(Lane, 2, 2, Mended))).Rejections);
        var sentAgain = await WriteAsync(database.BatchOf(Lane, 3, [Payload], key));

        Assert.Empty(sentAgain.Rejections);
        Assert.Single(sentAgain.Repeats);
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Should_find_the_row_that_the_caller_has_sent_again_after_its_key_was_purged()
    {
        var key = new RowKey(0, "order-7", Guid.NewGuid());
        await WriteAsync(database.BatchOf(Lane, 1, [Payload], key));
        await database.ExecuteAsync(
            "DELETE FROM ingest.idempotency; ALTER TABLE items DROP CONSTRAINT items_size_check");
        Assert.Empty((await WriteAsync(database.BatchOf(Lane, 2, [Payload], key))).Rejections);

        var replayed = await WriteAsync(database.ReplayOf(Lane, 3, 2, Payload));

        Assert.Single(replayed.Repeats);
        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
        Assert.Equal(1L, await database.ScalarAsync<long>(
            "SELECT count(*) FROM ingest.dead_letters WHERE id = 2 AND replayed_at IS NOT NULL"));
    }

    private Task EditAsync(string payload) =>
        database.ExecuteAsync($"UPDATE ingest.dead_letters SET payload = '{payload}' WHERE id = 1");

    private async Task<Written> WriteAsync(Batch batch) => Assert.IsType<Written>(await database.WriteAsync(batch));

    private Task<string> LetterAsync(string columns) =>
        database.ScalarAsync<string>($"SELECT concat_ws(' ', {columns}) FROM ingest.dead_letters WHERE id = 1");
}
