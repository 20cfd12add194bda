using System.Collections.Immutable;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Npgsql;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>The store as it writes small batches, in one round trip.</summary>
public sealed class SmallBatchLaneStoreTests() : LaneStoreTests(SingleTrip.MostRows);

/// <summary>The store as it writes large batches, by COPY.</summary>
public sealed class LargeBatchLaneStoreTests() : LaneStoreTests(mostRowsAtOnce: 0);

/// <summary>The store against a real PostgreSQL: the rows and the ledger move together, or neither does.</summary>
public abstract class LaneStoreTests(int mostRowsAtOnce) : IAsyncLifetime
{
    private static readonly WritingOptions Options =
        TestWriting.Options with { LockTimeout = TimeSpan.FromMilliseconds(300) };

    private readonly LaneId lane = new("items", 0);
    private TestDatabase database = null!;
    private NpgsqlDataSource dataSource = null!;
    private TableCatalog catalog = null!;
    private LaneStore store = null!;
    private long lastBatch;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("""
            CREATE TABLE items (
                id bigint PRIMARY KEY, name text NOT NULL, size int CHECK (size < 1000), note text DEFAULT 'none');
            """);
        dataSource = Database.CreateDataSource(database.ConnectionString, Options);
        await Database.PrepareAsync(dataSource, CancellationToken.None);
        catalog = new TableCatalog(
            dataSource,
            new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromHours(1) },
            TimeProvider.System);
        await catalog.RefreshAsync(CancellationToken.None);
        store = new LaneStore(dataSource, catalog, Options, TimeProvider.System) { MostRowsAtOnce = mostRowsAtOnce };
    }

    public async Task DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_write_the_rows_and_move_the_ledger_together()
    {
        var result = await WriteAsync(BatchOf(0, Item(1), Item(2), Item(3)));

        Assert.Empty(Assert.IsType<Written>(result).Rejections);
        Assert.Equal([1L, 2L, 3L], await IdsAsync());
        Assert.Equal(3, await PositionAsync());
    }

    [Fact]
    public async Task Should_give_rows_of_different_shapes_their_own_defaults()
    {
        var result = await WriteAsync(BatchOf(0,
            """{"id":1,"name":"a"}""", """{"id":2,"name":"b","note":null}""", """{"id":3,"name":"c"}""",
            """{"id":4,"name":"d","note":"mine"}"""));

        Assert.IsType<Written>(result);
        Assert.Equal("none,-,none,mine",
            await database.ScalarAsync<string>("SELECT string_agg(coalesce(note, '-'), ',' ORDER BY id) FROM items"));
    }

    [Fact]
    public async Task Should_fence_a_batch_that_another_incarnation_has_overtaken()
    {
        await WriteAsync(BatchOf(0, Item(1), Item(2)));

        var result = await WriteAsync(BatchOf(0, Item(3)));

        Assert.Equal(WriteFailure.Fenced, Assert.IsType<Failed>(result).Failure);
        Assert.Equal([1L, 2L], await IdsAsync());
    }

    [Fact]
    public async Task Should_fence_a_batch_of_which_only_some_gateways_were_overtaken()
    {
        // This incarnation holds rows of two gateways; another one got those of the second again, and has written them.
        var (mine, theirs) = (EnvelopeOf(1, Item(1)), EnvelopeOf(1, Item(2)) with { Gateway = Rows.GatewayB });
        var batch = new Batch(
            1, lane, [new BatchPart(mine, 0, 1, Skipped: false), new BatchPart(theirs, 0, 1, Skipped: false)],
            [new LedgerMove(Rows.GatewayA, 0, 1), new LedgerMove(Rows.GatewayB, 0, 1)], Rows.Never, FlushCause.Count);
        await WriteAsync(new Batch(
            2, lane, [new BatchPart(theirs, 0, 1, Skipped: false)],
            [new LedgerMove(Rows.GatewayB, 0, 1)], Rows.Never, FlushCause.Count));

        var written = await WriteAsync(batch);
        var resolved = await store.ResolveAsync(batch, CancellationToken.None);

        Assert.Equal(WriteFailure.Fenced, Assert.IsType<Failed>(written).Failure);
        Assert.Equal(WriteFailure.Fenced, Assert.IsType<Failed>(resolved).Failure);
        Assert.Equal([2L], await IdsAsync());
    }

    [Fact]
    public async Task Should_take_a_batch_for_written_that_is_in_the_ledger_already_and_repeat_its_rejections()
    {
        var batch = BatchOf(0, Item(1), """{"id":2,"name":"b","size":5000}""", Item(3));
        var first = Assert.IsType<Written>(await WriteAsync(batch));

        var again = Assert.IsType<Written>(await WriteAsync(batch));
        var resolved = Assert.IsType<Written>(await store.ResolveAsync(batch, CancellationToken.None));

        Assert.Equal(2, Assert.Single(first.Rejections).Position);
        Assert.Equal(first.Rejections.AsEnumerable(), again.Rejections);
        Assert.Equal(first.Rejections.AsEnumerable(), resolved.Rejections);
        Assert.Equal([1L, 3L], await IdsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Should_not_take_a_batch_for_written_where_another_incarnation_gave_up_on_its_rows(bool here)
    {
        var rows = BatchOf(0, Item(1), Item(2));
        var skip = rows with { Parts = [new BatchPart(rows.Parts[0].Envelope, 0, 2, Skipped: true)] };
        await WriteAsync(here ? rows : skip);

        var written = Assert.IsType<Failed>(await WriteAsync(here ? skip : rows));
        var resolved = Assert.IsType<Failed>(await store.ResolveAsync(here ? skip : rows, CancellationToken.None));

        Assert.Equal((WriteFailure.Fenced, WriteFailure.Fenced), (written.Failure, resolved.Failure));
    }

    [Fact]
    public async Task Should_tell_that_a_batch_in_doubt_was_not_written()
    {
        var result = await store.ResolveAsync(BatchOf(0, Item(1)), CancellationToken.None);

        Assert.Equal(WriteFailure.Transient, Assert.IsType<Failed>(result).Failure);
        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.ledger"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Should_wait_for_a_zombie_that_holds_the_position_and_never_write_beside_it(long from)
    {
        if (from > 0) await WriteAsync(BatchOf(0, Item(1)));
        var batch = BatchOf(from, Item(2));
        await using var zombie = await LaneTransaction.BeginAsync(
            dataSource, batch, Options.AttemptTimeout, CancellationToken.None);
        Assert.True(zombie.HasMoved);

        var blocked = await WriteAsync(batch);
        Assert.Equal(WriteFailure.Transient, Assert.IsType<Failed>(blocked).Failure);
        var inDoubt = await store.ResolveAsync(batch, CancellationToken.None);
        Assert.Equal(WriteFailure.InDoubt, Assert.IsType<Failed>(inDoubt).Failure);

        await zombie.CommitAsync(batch, null, new Exceptions([], []), [], CancellationToken.None);
        Assert.IsType<Written>(await store.ResolveAsync(batch, CancellationToken.None));
    }

    [Fact]
    public async Task Should_write_nothing_and_say_so_while_the_table_is_locked()
    {
        await using var locker = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await locker.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("LOCK TABLE items", locker)) await command.ExecuteNonQueryAsync();

        var result = await WriteAsync(BatchOf(0, Item(1)));
        await transaction.RollbackAsync();

        Assert.Equal(WriteFailure.Transient, Assert.IsType<Failed>(result).Failure);
        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.ledger"));
    }

    [Fact]
    public async Task Should_record_what_was_given_up_so_that_it_is_never_answered_as_committed()
    {
        var envelope = EnvelopeOf(1, Item(1), Item(2));
        var parts = ImmutableArray.Create(
            new BatchPart(envelope, 0, 1, Skipped: true), new BatchPart(envelope, 1, 1, Skipped: false));
        await WriteAsync(new Batch(1, lane, parts, [new LedgerMove(Rows.GatewayA, 0, 2)], Rows.Never, FlushCause.Age));

        var read = await store.ReadVerdictsAsync(lane, new PositionRange(Rows.GatewayA, 1, 2), CancellationToken.None);

        Assert.Equal([new PositionRange(Rows.GatewayA, 1, 1)], Assert.IsType<VerdictsRead>(read).NotWritten.ToArray());
        Assert.Equal([2L], await IdsAsync());
    }

    private static string Item(long id) => $$"""{"id":{{id}},"name":"item {{id}}"}""";

    private Task<WriteResult> WriteAsync(Batch batch) => store.WriteAsync(batch, CancellationToken.None);

    private Batch BatchOf(long from, params string[] rows)
    {
        var envelope = EnvelopeOf(from + 1, rows);
        return new Batch(
            ++lastBatch, lane, [new BatchPart(envelope, 0, rows.Length, Skipped: false)],
            [new LedgerMove(Rows.GatewayA, from, from + rows.Length)], Rows.Never, FlushCause.Count);
    }

    /// <summary>Encodes rows against the catalog as it is now.</summary>
    private Envelope EnvelopeOf(long first, params string[] rows)
    {
        Assert.True(catalog.TryGet("items", out var table));
        var (block, errors) = (new RowBlock(), new RowErrors());
        var encoder = new RowEncoder(table);
        var runs = ImmutableArray.CreateBuilder<RowRun>();
        foreach (var row in rows)
        {
            Assert.Equal(EncodeResult.Encoded, encoder.EncodeJson(Encoding.UTF8.GetBytes(row), block, errors));
            var tuple = block.Tuple(block.Count - 1).ToArray();
            runs.Add(new RowRun(block.ShapeOf(block.Count - 1), tuple, [tuple.Length]));
        }

        return new Envelope(lane, Rows.GatewayA, first, rows.Length, 1, Rows.Never, runs.DrainToImmutable());
    }

    private async Task<List<long>> IdsAsync() =>
        [.. await database.ScalarAsync<long[]>("SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM items")];

    private Task<long> PositionAsync() => database.ScalarAsync<long>("SELECT position FROM ingest.ledger");
}
