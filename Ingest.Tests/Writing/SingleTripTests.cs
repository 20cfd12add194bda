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

/// <summary>What of a batch in one round trip only the real server can tell.</summary>
public sealed class SingleTripTests : IAsyncLifetime
{
    private static readonly WritingOptions Options = TestWriting.Options;

    private static readonly string[] Types =
    [
        "bool", "int2", "int4", "int8", "float4", "float8", "numeric(6,2)", "text", "varchar(5)", "char(5)", "uuid",
        "date", "timestamptz(0)", "interval", "jsonb", "bytea", "inet", "mood", "positive", "list", "point",
        "\"Odd \"\" type\"",
    ];

    private const string Row = """
        {"c0":true,"c1":-1,"c2":2147483647,"c3":9223372036854775807,"c4":1.5,"c5":-1e300,"c6":1234.5,
        "c7":"ünï \"q\"\n\\N",
        "c8":"abcde","c9":"ab","c10":"0190163d-8694-739b-aea5-966c26f8ad90","c11":"2024-02-29",
        "c12":"2024-01-02T03:04:05.6+02:00","c13":"1 year 03:04:05","c14":{"a":[1,null]},"c15":"AP8=",
        "c16":"10.0.0.1/8",
        "c17":"so so","c18":5,"c19":[1,null],"c20":"(1,2)","c21":"x"}
        """;

    private readonly LaneId lane = new("items", 0);
    private TestDatabase database = null!;
    private NpgsqlDataSource dataSource = null!;
    private TableCatalog catalog = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        dataSource = Database.CreateDataSource(database.ConnectionString, Options);
        await Database.PrepareAsync(dataSource, CancellationToken.None);
        catalog = new TableCatalog(
            dataSource,
            new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromHours(1) },
            TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_write_each_type_as_copy_does()
    {
        await MakeAsync($"""
            CREATE TYPE mood AS ENUM ('so so');
            CREATE TYPE "Odd "" type" AS ENUM ('x');
            CREATE DOMAIN positive AS int CHECK (VALUE > 0);
            CREATE DOMAIN list AS int[];
            CREATE TABLE items ({string.Join(", ", Types.Select((type, index) => $"c{index} {type}"))});
            """);
        var (rows, nulls) = (await FittedAsync(0, Row, "{}"), await FittedAsync(2, "{}"));

        Assert.IsType<Written>(await TryAsync(rows));
        Assert.IsType<Written>(await TryAsync(nulls));
        var other = rows.Batch with { Lane = new("items", 1) };
        await using (var copy = await LaneTransaction.BeginAsync(dataSource, other, TimeSpan.FromSeconds(10), default))
        {
            await copy.CopyAsync(rows.Fitted.Table!, rows.Fitted.Rows, new RowRange(0, 2), default);
            await copy.CommitAsync(rows.Batch, rows.Fitted.Table, new Exceptions([], []), [], default);
        }

        Assert.Equal("2,3",
            await database.ScalarAsync<string>(
                "SELECT string_agg(n::text, ',' ORDER BY n) "
                + "FROM (SELECT count(*) n FROM items GROUP BY items::text) g"));
    }

    [Fact]
    public async Task Should_take_names_and_columns_as_the_table_has_them()
    {
        await MakeAsync("""
            CREATE TABLE items (
                "the "" key; --" int PRIMARY KEY, "r.c1" text, plain text DEFAULT 'left out',
                sum text GENERATED ALWAYS AS ("r.c1" || '!') STORED, number int GENERATED ALWAYS AS IDENTITY);
            """);

        Assert.IsType<Written>(await TryAsync(await FittedAsync(0, """{"the \" key; --":7,"r.c1":"a"}""")));

        Assert.Equal("7 a left out a! 1", await database.ScalarAsync<string>(
            """SELECT concat_ws(' ', "the "" key; --", "r.c1", plain, sum, number) FROM items"""));
    }

    [Theory]
    [InlineData("CREATE TABLE items (id int PRIMARY KEY, v int[])")]
    [InlineData(
        "CREATE TABLE items (id int PRIMARY KEY, v text); "
        + "CREATE RULE none AS ON INSERT TO items DO INSTEAD NOTHING")]
    public async Task Should_leave_to_copy_what_only_copy_can(string table)
    {
        await MakeAsync(table);
        var rows = await FittedAsync(0, """{"id":1}""");

        Assert.Null(await TryAsync(rows));
        Assert.IsType<Written>(await StoreAsync(rows));

        Assert.Equal(1L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Theory]
    [InlineData("INSERT INTO ingest.ledger SELECT 'items/0', '00000000-0000-7000-8000-000000000001', 1")]
    [InlineData("INSERT INTO ingest.idempotency SELECT 'items', 'k1', gen_random_uuid(), '1'")]
    [InlineData("ALTER TABLE items ADD more int")]
    public async Task Should_write_nothing_where_there_is_something_to_look_at(string sql)
    {
        await MakeAsync("CREATE TABLE items (id int PRIMARY KEY, v text)");
        var rows = await FittedAsync(0, [new RowKey(0, "k1", Guid.NewGuid())], """{"id":1}""", """{"id":2}""");
        await database.ExecuteAsync(sql);

        Assert.Null(await TryAsync(rows));

        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Should_write_nothing_where_a_deferred_constraint_speaks_at_the_commit()
    {
        await MakeAsync("""
            CREATE TABLE items (id int PRIMARY KEY, parent int REFERENCES items DEFERRABLE INITIALLY DEFERRED);
            """);

        Assert.Null(await TryAsync(await FittedAsync(0, """{"id":1,"parent":2}""")));

        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.ledger"));
    }

    [Fact]
    public async Task Should_know_that_nothing_was_written_when_it_is_cancelled_while_it_waits()
    {
        await MakeAsync("CREATE TABLE items (id int PRIMARY KEY, v text)");
        var rows = await FittedAsync(0, """{"id":1}""");
        await using var locker = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await locker.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("LOCK TABLE items", locker)) await command.ExecuteNonQueryAsync();
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var sent = new SentTrips();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SingleTrip(dataSource, sent).TryWriteAsync(
                rows.Batch, rows.Fitted, new WriteMeter(TimeProvider.System), cancel.Token));
        await transaction.RollbackAsync();

        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM ingest.ledger"));
        Assert.False(sent.Holds(rows.Batch));
    }

    [Theory]
    [InlineData("ingest.ledger", false)]
    [InlineData("ingest.exceptions", true)]
    public async Task Should_be_in_doubt_only_where_the_server_had_come_to_the_last_statement(
        string blocked, bool inDoubt)
    {
        await MakeAsync("CREATE TABLE items (id int PRIMARY KEY, v text)");
        var rows = await FittedAsync(0, """{"id":1}""", """{"id":2}""");
        // Given up on, so that the last statement is its record.
        var parts = ImmutableArray.Create(
            rows.Batch.Parts[0] with { Count = 1 }, rows.Batch.Parts[0] with { Offset = 1, Count = 1, Skipped = true });
        var batch = rows.Batch with { Parts = parts };
        var fitted = await FittedBatch.ForAsync(batch, rows.Fitted.Table, encodeAnew: false, default);
        await using var locker = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await locker.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand($"LOCK TABLE {blocked}", locker))
            await command.ExecuteNonQueryAsync();
        var sent = new SentTrips();

        var trip = new SingleTrip(dataSource, sent)
            .TryWriteAsync(batch, fitted, new WriteMeter(TimeProvider.System), CancellationToken.None);
        while (await database.ScalarAsync<long>("""
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()
            """) == 0) Assert.False(trip.IsCompleted);
        var outcome = await trip;
        await transaction.RollbackAsync();

        Assert.Equal(inDoubt, outcome?.Result is Failed { Failure: WriteFailure.InDoubt });
        Assert.Equal(inDoubt, sent.Holds(batch));
        Assert.True(await sent.TryEndAsync(batch, dataSource, Options.LockTimeout, TimeProvider.System, default));
        Assert.Equal(0L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Should_end_the_servers_process_that_may_yet_carry_out_a_batch()
    {
        await MakeAsync("CREATE TABLE items (id int PRIMARY KEY, v text)");
        var rows = await FittedAsync(0, """{"id":1}""");
        var sent = new SentTrips();
        await using var late = await dataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand("SELECT pg_sleep(60)", late);
        var isUnderWay = command.ExecuteNonQueryAsync();
        sent.Add(rows.Batch, late.ProcessID);

        Assert.True(await sent.TryEndAsync(rows.Batch, dataSource, Options.LockTimeout, TimeProvider.System, default));

        var error = await Assert.ThrowsAsync<PostgresException>(() => isUnderWay);
        Assert.Equal(PostgresErrorCodes.AdminShutdown, error.SqlState);
        Assert.False(sent.Holds(rows.Batch));
    }

    private async Task MakeAsync(string sql)
    {
        await database.ExecuteAsync(sql);
        await catalog.RefreshAsync(CancellationToken.None);
    }

    private async Task<WriteResult?> TryAsync((Batch Batch, FittedBatch Fitted) rows) =>
        (await new SingleTrip(dataSource, new SentTrips())
            .TryWriteAsync(rows.Batch, rows.Fitted, new WriteMeter(TimeProvider.System), default))?.Result;

    private Task<WriteResult> StoreAsync((Batch Batch, FittedBatch Fitted) rows) =>
        new LaneStore(dataSource, catalog, Options, TimeProvider.System).WriteAsync(rows.Batch, default);

    private Task<(Batch Batch, FittedBatch Fitted)> FittedAsync(long from, params string[] rows) =>
        FittedAsync(from, [], rows);

    private async Task<(Batch Batch, FittedBatch Fitted)> FittedAsync(
        long from, ImmutableArray<RowKey> keys, params string[] rows)
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

        var envelope = new Envelope(
            lane, Rows.GatewayA, from + 1, rows.Length, 1, Rows.Never, runs.DrainToImmutable()) { Keys = keys };
        var batch = new Batch(
            1, lane, [new BatchPart(envelope, 0, rows.Length, Skipped: false)],
            [new LedgerMove(Rows.GatewayA, from, from + rows.Length)], Rows.Never, FlushCause.Count);
        return (batch, await FittedBatch.ForAsync(batch, table, encodeAnew: false, default));
    }
}
