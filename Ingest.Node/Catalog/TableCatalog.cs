using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Ingest.Node.Catalog;

/// <summary>
/// The catalog over a PostgreSQL database: ordinary and partitioned tables (also partitions by themselves) of the
/// schemas in <see cref="CatalogOptions.Schemas"/> into which the role may insert at least one column. It begins empty;
/// <see cref="CatalogRefresher"/> keeps it fresh. Thread-safe.
/// </summary>
public sealed class TableCatalog : ITableCatalog
{
    private static readonly TimeSpan UnknownNamePause = TimeSpan.FromSeconds(1);

    private readonly CatalogReader reader;
    private readonly DescriptorFactory factory;
    private readonly SharedRead refresh;
    private readonly SharedRead refreshForUnknownName;
    private readonly TimeProvider time;
    private readonly string firstSchema;
    private readonly Lock columnGate = new();
    private long? unknownNameReadAt;
    private long? columnReadAt;
    private Task columnRead = Task.CompletedTask;

    // One reference, so that readers see a whole snapshot or the one before.
    private volatile Snapshot snapshot = Snapshot.Empty;

    /// <param name="database">Read by the role that also writes: what is served follows from its privileges.</param>
    public TableCatalog(NpgsqlDataSource database, CatalogOptions options, TimeProvider time)
    {
        if (options.Schemas.IsDefaultOrEmpty) throw new ArgumentException("No schema is listed.", nameof(options));
        this.time = time;
        firstSchema = options.Schemas[0];
        reader = new CatalogReader(database, options.Schemas);
        factory = new DescriptorFactory(database, options, time);
        refresh = new SharedRead(ReadAsync);
        refreshForUnknownName = new SharedRead(ReadForUnknownNameAsync);
    }

    public IReadOnlyList<TableDescriptor> Tables => snapshot.Tables;

    public bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out TableDescriptor? table) =>
        snapshot.ByName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out table);

    public ValueTask<TableDescriptor?> FindAsync(string name, CancellationToken cancellation) =>
        TryGet(name, out var table) ? new ValueTask<TableDescriptor?>(table) : FindAnewAsync(name, cancellation);

    public Task RefreshAsync(CancellationToken cancellation) => refresh.RunAsync().WaitAsync(cancellation);

    public Task RefreshForColumnAsync(CancellationToken cancellation)
    {
        lock (columnGate)
        {
            if (columnRead.IsCompleted)
            {
                if (columnReadAt is { } before && time.GetElapsedTime(before) < UnknownNamePause)
                    return Task.CompletedTask;
                columnReadAt = time.GetTimestamp();
                columnRead = refresh.RunAsync();
            }

            return columnRead.WaitAsync(cancellation);
        }
    }

    private async ValueTask<TableDescriptor?> FindAnewAsync(string name, CancellationToken cancellation)
    {
        await refreshForUnknownName.RunAsync().WaitAsync(cancellation);
        return TryGet(name, out var table) ? table : null;
    }

    // Runs one at a time, so the pause between two needs no lock.
    private async Task ReadForUnknownNameAsync()
    {
        if (unknownNameReadAt is { } before && UnknownNamePause - time.GetElapsedTime(before) is var pause
            && pause > TimeSpan.Zero)
            await Task.Delay(pause, time);
        unknownNameReadAt = time.GetTimestamp();
        await refresh.RunAsync();
    }

    private async Task ReadAsync()
    {
        var facts = await reader.ReadAsync(CancellationToken.None);
        var before = snapshot;
        if (facts.Count == before.Tables.Length && facts.All(table => before.Keep(table) is not null)) return;
        snapshot = Snapshot.Of([.. facts.Select(table => before.Keep(table) ?? (table, factory.Create(table)))]);
    }

    private sealed record Snapshot(
        ImmutableArray<TableDescriptor> Tables,
        FrozenDictionary<string, TableDescriptor> ByName,
        FrozenDictionary<uint, (TableFacts Facts, TableDescriptor Table)> ByOid)
    {
        public static readonly Snapshot Empty = Of([]);

        public static Snapshot Of(ImmutableArray<(TableFacts Facts, TableDescriptor Table)> read)
        {
            // The served and the full name are the same outside the first schema.
            var names = read.Select(entry => KeyValuePair.Create(entry.Table.Name, entry.Table))
                .Concat(read.Select(entry =>
                    KeyValuePair.Create(TableNames.Full(entry.Table.Schema, entry.Table.Table), entry.Table)))
                .DistinctBy(entry => entry.Key, StringComparer.Ordinal);
            return new Snapshot(
                [.. read.Select(entry => entry.Table).OrderBy(table => table.Name, StringComparer.Ordinal)],
                names.ToFrozenDictionary(StringComparer.Ordinal),
                read.ToFrozenDictionary(entry => entry.Table.Oid));
        }

        public (TableFacts Facts, TableDescriptor Table)? Keep(TableFacts now) =>
            ByOid.TryGetValue(now.Oid, out var entry) && entry.Facts.Equals(now) ? entry : null;
    }
}
