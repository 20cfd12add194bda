using System.Collections.Immutable;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.DeadLetters;
using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Ingest.Tests.Writing;
using Npgsql;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.DeadLetters;

/// <summary>A lane store over a database of its own whose tables keep what PostgreSQL refuses.</summary>
internal sealed class LetterDatabase : IAsyncDisposable
{
    public static readonly WritingOptions Options = TestWriting.Options;

    private readonly TestDatabase database;
    private long lastBatch;

    private LetterDatabase(TestDatabase database)
    {
        this.database = database;
        DataSource = Database.CreateDataSource(database.ConnectionString, Options);
        Catalog = new TableCatalog(
            DataSource, new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromHours(1) },
            TimeProvider.System);
        Store = new LaneStore(DataSource, Catalog, Options, TimeProvider.System) { KeepsLetters = _ => true };
    }

    public NpgsqlDataSource DataSource { get; }

    public TableCatalog Catalog { get; }

    public LaneStore Store { get; }

    public static async Task<LetterDatabase> CreateAsync(string tables)
    {
        var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(tables);
        var letters = new LetterDatabase(database);
        await Database.PrepareAsync(letters.DataSource, CancellationToken.None);
        await letters.Catalog.RefreshAsync(CancellationToken.None);
        return letters;
    }

    public Task ExecuteAsync(string sql) => database.ExecuteAsync(sql);

    public Task<T> ScalarAsync<T>(string sql) => database.ScalarAsync<T>(sql);

    public Task<WriteResult> WriteAsync(Batch batch) => Store.WriteAsync(batch, CancellationToken.None);

    /// <summary>A batch of rows behind <paramref name="from"/>, with the keys of those that have one.</summary>
    public Batch BatchOf(LaneId lane, long from, string[] rows, params RowKey[] keys)
    {
        Assert.True(Catalog.TryGet(lane.Table, out var table));
        var (block, errors) = (new RowBlock(), new RowErrors());
        var encoder = new RowEncoder(table) { WereTakenBefore = true };
        var runs = ImmutableArray.CreateBuilder<RowRun>();
        foreach (var row in rows)
        {
            Assert.Equal(EncodeResult.Encoded, encoder.EncodeJson(Encoding.UTF8.GetBytes(row), block, errors));
            var tuple = block.Tuple(block.Count - 1).ToArray();
            runs.Add(new RowRun(block.ShapeOf(block.Count - 1), tuple, [tuple.Length]));
        }

        var envelope = new Envelope(
            lane, Rows.GatewayA, from + 1, rows.Length, 1, Rows.Never, runs.DrainToImmutable()) { Keys = [.. keys] };
        return new Batch(
            Interlocked.Increment(ref lastBatch), lane, [new BatchPart(envelope, 0, rows.Length, Skipped: false)],
            [new LedgerMove(Rows.GatewayA, from, from + rows.Length)], Rows.Never, FlushCause.Count);
    }

    /// <summary>A batch of one row that replays a letter with this payload.</summary>
    public Batch ReplayOf(LaneId lane, long from, long letter, string payload) => BatchOf(
        lane, from, [payload], new RowKey(0, LetterKey.Of(letter), LetterPayload.DigestOf(payload)));

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await database.DisposeAsync();
    }
}
