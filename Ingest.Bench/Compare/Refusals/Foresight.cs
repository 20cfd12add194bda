using System.Collections.Immutable;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using Npgsql;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using WriterDatabase = Ingest.Node.Writing.Database;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>
/// What it gives a lane that its node remembers which bad rows keep coming: batches with 1 % of them, written by one
/// lane that remembers, and by one that meets its table for the first time with each batch. The writer alone, in this
/// process.
/// </summary>
/// <param name="database">Has the tables; no node works in it.</param>
internal sealed class Foresight(BenchStage stage, string database)
{
    private const int BatchRows = 10_000;
    private const int Every = 100;
    private const int Cycle = RowSource.Distinct / Every * Every;

    /// <summary>Batches after which what keeps coming is known.</summary>
    private const int Learning = 4;

    private static readonly WritingOptions Writing = new()
    {
        AttemptTimeout = TimeSpan.FromSeconds(20),
        LockTimeout = TimeSpan.FromSeconds(5),
        KeyRetention = TimeSpan.FromHours(24),
        DeadLetterRetention = TimeSpan.FromHours(24),
        MaxConnections = 4,
    };

    private readonly Dictionary<string, double> tried = [];

    /// <summary>How often a row was tried, by the contender's name, in the last measurement.</summary>
    public IReadOnlyDictionary<string, double> Tried => tried;

    /// <param name="remembers">Batches are foreseen by those before them.</param>
    public Contender Contender(string name, string title, RefusalKind kind, bool remembers) =>
        new(name, $"the writer alone, {title}", async (_, cancellation) =>
        {
            await using var source = WriterDatabase.CreateDataSource(
                stage.Postgres.ConnectionFor("foresight", database: database), Writing);
            await WriterDatabase.PrepareAsync(source, cancellation);
            var batches = Learning + (stage.Options.Quick ? 20 : 50);
            var stores = new List<LaneStore>();
            var encoded = new List<Batch>();
            var table = (await CatalogOf(source).FindAsync(kind.Table, cancellation))!;
            var lane = new LaneId(kind.Table, 0);
            var gateway = new GatewayId(Guid.NewGuid());
            var rows = new RowSource(kind.Bad(Every));
            for (var number = 0; number < batches; number++)
            {
                stores.Add(remembers && number > 0 ? stores[0] : await StoreAsync(source, kind.Table, cancellation));
                encoded.Add(BatchOf(lane, gateway, number, table, rows));
            }

            for (var number = 0; number < Learning; number++)
                await WriteAsync(stores[number], encoded[number], cancellation);
            var (rowsTried, rowsWritten) = (0L, (batches - Learning) * (long)BatchRows);
            var sample = await LoadProbe.MeasureAsync(
                async () =>
                {
                    for (var number = Learning; number < batches; number++)
                        rowsTried += await WriteAsync(stores[number], encoded[number], cancellation);
                    return rowsWritten;
                },
                stage.WatchPostgres(), stage.Time);
            tried[name] = rowsTried / (double)rowsWritten;
            return sample;
        });

    private static async Task<long> WriteAsync(LaneStore store, Batch batch, CancellationToken cancellation)
    {
        if (await store.WriteAsync(batch, cancellation) is not Written written)
            throw new RunException("A batch was not written.");
        return written.Rejections.Length == BatchRows / Every
            ? written.Stats.RowsTried
            : throw new RunException($"{written.Rejections.Length} rows of a batch were refused.");
    }

    /// <summary>What a node remembers goes with its knowledge of the table: a new catalog knows nothing yet.</summary>
    private async Task<LaneStore> StoreAsync(NpgsqlDataSource source, string table, CancellationToken cancellation)
    {
        var catalog = CatalogOf(source);
        await catalog.FindAsync(table, cancellation);
        return new LaneStore(source, catalog, Writing, stage.Time);
    }

    private TableCatalog CatalogOf(NpgsqlDataSource source) => new(
        source,
        new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromHours(1) },
        stage.Time);

    private Batch BatchOf(LaneId lane, GatewayId gateway, int number, TableDescriptor table, RowSource rows)
    {
        var (block, errors, encoder) = (new RowBlock(), new RowErrors(), new RowEncoder(table));
        var ends = ImmutableArray.CreateBuilder<int>(BatchRows);
        for (var row = 0; row < BatchRows; row++)
        {
            // As many of the distinct rows as have their bad one.
            if (encoder.EncodeJson(rows[row % Cycle].Span, block, errors) != EncodeResult.Encoded)
                throw new RunException("A row could not be encoded.");
            ends.Add(block.Bytes);
        }

        var run = new RowRun(block.ShapeOf(0), block.Tuples(0, BatchRows).ToArray(), ends.DrainToImmutable());
        var from = number * (long)BatchRows;
        var deadline = stage.Time.GetUtcNow() + TimeSpan.FromMinutes(5);
        var envelope = new Envelope(lane, gateway, from + 1, BatchRows, number + 1, deadline, [run]);
        return new Batch(
            number + 1, lane, [new BatchPart(envelope, 0, BatchRows, Skipped: false)],
            [new LedgerMove(gateway, from, from + BatchRows)], deadline, FlushCause.Count);
    }
}
