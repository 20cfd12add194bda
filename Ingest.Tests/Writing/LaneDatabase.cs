using System.Collections.Immutable;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Npgsql;
using static Ingest.Messages.LaneProtocol;
using WriterDatabase = Ingest.Node.Writing.Database;

namespace Ingest.Tests.Writing;

/// <summary>A database with a lane store that works in it as a role of its own, which owns nothing.</summary>
internal sealed class LaneDatabase : IAsyncDisposable
{
    private static readonly WritingOptions Options =
        TestWriting.Options with { AttemptTimeout = TimeSpan.FromSeconds(60) };

    private readonly Dictionary<LaneId, long> positions = [];
    private readonly NpgsqlDataSource dataSource;
    private readonly TableCatalog catalog;
    private readonly string role;
    private long lastBatch;

    private LaneDatabase(TestDatabase database, string role, Func<string, OnConflict> onConflict, int mostRowsAtOnce)
    {
        Database = database;
        this.role = role;
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Username = role,
            Password = "secret",
        };
        dataSource = WriterDatabase.CreateDataSource(settings.ConnectionString, Options);
        var served = new CatalogOptions
        {
            Schemas = ["public"], RefreshInterval = TimeSpan.FromHours(1), OnConflict = onConflict,
        };
        catalog = new TableCatalog(dataSource, served, TimeProvider.System);
        Store = new LaneStore(dataSource, catalog, Options, TimeProvider.System) { MostRowsAtOnce = mostRowsAtOnce };
    }

    public TestDatabase Database { get; }

    public LaneStore Store { get; }

    /// <param name="mayStage">The role may make temporary tables.</param>
    /// <param name="mayRead">The role may read the tables that it writes.</param>
    public static async Task<LaneDatabase> CreateAsync(
        bool mayStage,
        bool mayRead = true,
        Func<string, OnConflict>? onConflict = null,
        int mostRowsAtOnce = SingleTrip.MostRows)
    {
        var database = await TestDatabase.CreateAsync();
        var role = $"writer_{Guid.NewGuid():N}";
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
        await database.ExecuteAsync(
            $"""
            CREATE ROLE {role} LOGIN PASSWORD 'secret';
            REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC;
            CREATE SCHEMA ingest AUTHORIZATION {role};
            ALTER DEFAULT PRIVILEGES GRANT INSERT{(mayRead ? ", SELECT" : "")} ON TABLES TO {role};
            ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {role};
            """);
        if (mayStage) await database.ExecuteAsync($"GRANT TEMPORARY ON DATABASE {name} TO {role}");
        var made = new LaneDatabase(database, role, onConflict ?? (_ => OnConflict.Fail), mostRowsAtOnce);
        await WriterDatabase.PrepareAsync(made.dataSource, CancellationToken.None);
        return made;
    }

    public Task RefreshAsync() => catalog.RefreshAsync(CancellationToken.None);

    /// <summary>Ends the connections, so that the next ones have the database's settings of today.</summary>
    public void Disconnect() => dataSource.Clear();

    /// <summary>The table as the catalog knows it.</summary>
    public TableDescriptor Table(string name) =>
        catalog.TryGet(name, out var table) ? table : throw new ArgumentException($"There is no {name}.");

    /// <summary>Encodes rows against the table as the catalog knows it, as the next batch of a lane.</summary>
    public Batch BatchOf(
        string table, IReadOnlyList<string> rows, int number = 0, ImmutableArray<RowKey> keys = default)
    {
        var lane = new LaneId(table, number);
        var from = positions.GetValueOrDefault(lane);
        positions[lane] = from + rows.Count;
        var envelope = new Envelope(
            lane, Rows.GatewayA, from + 1, rows.Count, 1, Rows.Never, Encode(table, rows))
        {
            Keys = keys.IsDefault ? [] : keys,
        };
        return new Batch(
            ++lastBatch, lane, [new BatchPart(envelope, 0, rows.Count, Skipped: false)],
            [new LedgerMove(Rows.GatewayA, from, from + rows.Count)], Rows.Never, FlushCause.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await Database.ExecuteAsync($"DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        await Database.DisposeAsync();
    }

    private ImmutableArray<RowRun> Encode(string name, IReadOnlyList<string> rows)
    {
        var (block, errors, encoder) = (new RowBlock(), new RowErrors(), new RowEncoder(Table(name)));
        var runs = ImmutableArray.CreateBuilder<RowRun>();
        for (var row = 0; row < rows.Count; row++)
        {
            var result = encoder.EncodeJson(Encoding.UTF8.GetBytes(rows[row]), block, errors);
            Assert.True(result == EncodeResult.Encoded, rows[row]);
            var tuple = block.Tuple(row).ToArray();
            runs.Add(new RowRun(block.ShapeOf(row), tuple, [tuple.Length]));
        }

        return runs.DrainToImmutable();
    }
}
