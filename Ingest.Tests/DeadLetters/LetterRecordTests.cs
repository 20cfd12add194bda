using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.DeadLetters;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.DeadLetters;

/// <summary>Refused rows become letters in the transaction that records their rejection.</summary>
public sealed class LetterRecordTests : IAsyncLifetime
{
    private static readonly LaneId Lane = new("items", 0);

    private LetterDatabase database = null!;

    public async Task InitializeAsync() => database = await LetterDatabase.CreateAsync("""
        CREATE TABLE items (id bigint PRIMARY KEY, size int CHECK (size < 10), note text DEFAULT 'none');
        """);

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_keep_a_refused_row_with_its_payload_and_error()
    {
        await database.WriteAsync(database.BatchOf(
            Lane, 0,
            [
                """{"id":1,"size":1}""",
                """{"id":2,"size":11,"note":"é\"<"}""",
                """{"id":3}""",
                """{"id":1,"note":null}""",
            ],
            new RowKey(1, "order-7 2", Guid.Empty)));

        Assert.Equal("items", await database.ScalarAsync<string>(
            "SELECT string_agg(DISTINCT table_name, ',') FROM ingest.dead_letters"));
        Assert.Equal(
            """{"id":2,"size":11,"note":"é\"<"} 2 23514 items_size_check order-7 2 1|"""
            + """{"id":1,"note":null} 1 23505 items_pkey - 1""",
            await database.ScalarAsync<string>("""
                SELECT string_agg(concat_ws(' ', payload, row_id, sqlstate, constraint_name,
                    coalesce(idempotency_key, '-'), attempts), '|' ORDER BY id) FROM ingest.dead_letters
                """));
        Assert.Equal("1,3", await IdsAsync());
    }

    [Fact]
    public async Task Should_keep_no_letter_of_a_transaction_that_was_not_committed()
    {
        await database.ExecuteAsync("""
            CREATE FUNCTION ingest.die() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
            CREATE TRIGGER die AFTER INSERT ON ingest.dead_letters EXECUTE FUNCTION ingest.die();
            """);
        var batch = database.BatchOf(Lane, 0, ["""{"id":1}""", """{"id":2,"size":11}"""]);

        Assert.Equal(WriteFailure.InDoubt, Assert.IsType<Failed>(await database.WriteAsync(batch)).Failure);
        Assert.Equal(0, await CountAsync());
        await database.ExecuteAsync("DROP TRIGGER die ON ingest.dead_letters");
        var resolved = await database.Store.ResolveAsync(batch, CancellationToken.None);
        Assert.Equal(WriteFailure.Transient, Assert.IsType<Failed>(resolved).Failure);
        Assert.Single(Assert.IsType<Written>(await database.WriteAsync(batch)).Rejections);
        // What another attempt has written is answered from the ledger.
        Assert.Single(Assert.IsType<Written>(await database.WriteAsync(batch)).Rejections);

        Assert.Equal(1, await CountAsync());
        Assert.Equal("1", await IdsAsync());
    }

    [Fact]
    public async Task Should_keep_the_rows_that_a_changed_or_dropped_table_cannot_take()
    {
        var changed = database.BatchOf(Lane, 0, ["""{"id":1}""", """{"id":2,"note":"x"}"""]);
        await database.ExecuteAsync("ALTER TABLE items DROP note");
        await database.WriteAsync(changed);
        var dropped = database.BatchOf(Lane, 2, ["""{"id":3,"size":5}"""]);
        await database.ExecuteAsync("DROP TABLE items");
        await database.WriteAsync(dropped);

        Assert.Equal(
            """42703 {"id":2,"note":"x"}|42P01 {"id":3,"size":5}""",
            await database.ScalarAsync<string>(
                "SELECT string_agg(sqlstate || ' ' || payload, '|' ORDER BY id) FROM ingest.dead_letters"));
    }

    [Fact]
    public async Task Should_keep_one_letter_of_a_row_that_is_sent_again_with_its_key()
    {
        var key = new RowKey(0, "k", Guid.NewGuid());
        for (var from = 0; from < 2; from++)
            await database.WriteAsync(database.BatchOf(Lane, from, ["""{"id":2,"size":11}"""], key));

        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Should_keep_what_was_accepted_whatever_the_setting_says()
    {
        var digest = Guid.NewGuid();
        var store = new Ingest.Node.Writing.LaneStore(
            database.DataSource, database.Catalog, LetterDatabase.Options, TimeProvider.System);
        await WriteAsync(0, Acknowledge.Committed, """{"id":2,"size":11}""", digest);
        Assert.Equal(0, await CountAsync());

        // The same row, accepted: its caller has no verdict yet, and the row repeats one that nobody has kept.
        await WriteAsync(1, Acknowledge.Accepted, """{"id":2,"size":11}""", digest);
        await WriteAsync(2, Acknowledge.Accepted, """{"id":2,"size":11}""", digest);
        await WriteAsync(3, Acknowledge.Accepted, """{"id":5,"size":1}""", Guid.NewGuid());

        Assert.Equal("23514 k,IK001 -", await database.ScalarAsync<string>("""
            SELECT string_agg(concat_ws(' ', sqlstate, coalesce(idempotency_key, '-')), ',' ORDER BY id)
            FROM ingest.dead_letters
            """));

        async Task WriteAsync(long from, Acknowledge level, string row, Guid digest)
        {
            var batch = database.BatchOf(Lane, from, [row], new RowKey(0, "k", digest));
            var part = batch.Parts[0];
            batch = batch with { Parts = [part with { Envelope = part.Envelope with { Acknowledge = level } }] };
            Assert.Single(Assert.IsType<Written>(await store.WriteAsync(batch, CancellationToken.None)).Rejections);
        }
    }

    [Fact]
    public async Task Should_keep_each_of_many_rows_in_their_order()
    {
        var rows = Enumerable.Range(1, 2_500).Select(id => $$"""{"id":{{id}},"size":11}""").ToArray();

        await database.WriteAsync(database.BatchOf(Lane, 0, rows));

        Assert.Equal(2_500, await CountAsync());
        Assert.True(await database.ScalarAsync<bool>(
            "SELECT bool_and(row_id::bigint = number) FROM (SELECT row_id, row_number() OVER (ORDER BY id) AS number "
            + "FROM ingest.dead_letters) AS numbered"));
    }

    [Theory]
    [InlineData("""{"id":1}""")]
    [InlineData(
        """{"n":1e131071,"many":[1e1000,-2.50e-300,0.000,0e-16383,-1e-16383,12e60,"""
        + """12300000000000000000000000000000000000000000000000]}""")]
    [InlineData("""{"doc":{"b":1,"a":1.000,"b":"\u0000\ud800"},"d":null,"t":"\u0001\"\\é😀"}""")]
    [InlineData(
        """{"at":"0044-03-15 10:00:00.123456Z BC","f":"NaN","b":"\\x00ff","p":"(1,2)","id":9007199254740993}""")]
    public async Task Should_give_a_payload_that_encodes_to_the_same_tuple(string row)
    {
        await database.ExecuteAsync("""
            CREATE TABLE kinds (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, n numeric, many numeric[], doc json,
                d text DEFAULT 'd', t text, at timestamptz, f double precision, b bytea, p point);
            """);
        await database.Catalog.RefreshAsync(CancellationToken.None);
        Assert.True(database.Catalog.TryGet("kinds", out var table));
        await table.Keys!.ReserveAsync(CancellationToken.None);

        var (shape, tuple) = Encode(table, row);
        var payload = LetterPayload.Of(table, shape, tuple);
        var (again, same) = Encode(table, payload);

        Assert.Equal(shape, again);
        Assert.Equal(Convert.ToHexString(tuple), Convert.ToHexString(same));
        Assert.True(payload.Length < 1_000, $"{payload.Length} characters");
    }

    private static (Shape Shape, byte[] Tuple) Encode(TableDescriptor table, string row)
    {
        var (block, errors) = (new RowBlock(), new RowErrors());
        var encoder = new RowEncoder(table) { WereTakenBefore = true };
        var result = encoder.EncodeJson(Encoding.UTF8.GetBytes(row), block, errors);
        Assert.True(result == EncodeResult.Encoded, $"{errors.Row} {string.Join("; ", errors.Columns)}");
        return (block.ShapeOf(0), block.Tuple(0).ToArray());
    }

    private Task<long> CountAsync() => database.ScalarAsync<long>("SELECT count(*) FROM ingest.dead_letters");

    private Task<string> IdsAsync() =>
        database.ScalarAsync<string>("SELECT string_agg(id::text, ',' ORDER BY id) FROM items");
}
