using System.Diagnostics.CodeAnalysis;

namespace Ingest.Node.Catalog;

/// <summary>The tables that this node serves, as last read from PostgreSQL.</summary>
public interface ITableCatalog
{
    /// <summary>All tables, ordered by name.</summary>
    IReadOnlyList<TableDescriptor> Tables { get; }

    /// <summary>Finds a table by its served name, or by <c>schema.table</c>, without waiting.</summary>
    bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out TableDescriptor? table);

    /// <summary>
    /// Finds a table as <see cref="TryGet"/>; where it is unknown, reads the catalog anew first (at most once a second
    /// for all callers together), since the table may have been made a moment ago. Who comes within that second waits
    /// for its end.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">The table is unknown and the database could not be asked.</exception>
    ValueTask<TableDescriptor?> FindAsync(string name, CancellationToken cancellation);

    /// <summary>Reads the catalog anew now. Callers at the same time share one read.</summary>
    /// <exception cref="Npgsql.NpgsqlException">The database could not be read; the tables are as they
    /// were.</exception>
    Task RefreshAsync(CancellationToken cancellation);

    /// <summary>
    /// Reads the catalog anew for a caller who gives a column that it does not know, unless it was read for one within
    /// the last second. Callers at the same time share one read; nobody waits for the second to pass.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">The database could not be read; the tables are as they
    /// were.</exception>
    Task RefreshForColumnAsync(CancellationToken cancellation);
}
