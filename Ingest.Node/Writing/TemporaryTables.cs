using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// The temporary tables of a connection. They outlive a transaction, and are emptied before they are used: by TRUNCATE,
/// since a COPY into a table that was made or truncated in its transaction puts each row behind the one before
/// (PostgreSQL does not look for free space then), and costs no more than ON COMMIT DELETE ROWS. A connection keeps
/// few, however many tables it writes to.
/// </summary>
internal sealed class TemporaryTables(NpgsqlConnection connection)
{
    public const int MostKept = 8;

    private const string Missing = """
        SELECT bool_or(pg_catalog.to_regclass(name) IS NULL) FROM pg_catalog.unnest($1) AS name
        """;

    private const string Count = """
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_class
        WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind = 'r'
        """;

    private bool isSomeNew;

    /// <summary>Empties tables, or makes those that the connection does not have.</summary>
    /// <param name="tables">Their names in the schema <c>pg_temp</c>, and their columns as SQL. A name belongs to the
    /// same columns always.</param>
    /// <exception cref="PostgresException">The role may make none; the transaction is aborted.</exception>
    public async Task MakeAsync(
        IReadOnlyCollection<(string Name, string Columns)> tables, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Missing)
        {
            Parameters = { Sql.Texts(tables.Select(table => table.Name)) },
        });
        foreach (var (name, columns) in tables)
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns})"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            $"TRUNCATE {string.Join(", ", tables.Select(table => table.Name))}"));
        isSomeNew |= await batch.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>Drops all tables where there are too many. Not within a transaction, which may want them yet.</summary>
    public async Task TrimAsync(CancellationToken cancellation)
    {
        if (!isSomeNew) return;
        isSomeNew = false;
        await using var count = new NpgsqlCommand(Count, connection);
        if (await count.ExecuteScalarAsync(cancellation) is not > (long)MostKept) return;
        await using var discard = new NpgsqlCommand("DISCARD TEMPORARY", connection);
        await discard.ExecuteNonQueryAsync(cancellation);
    }
}
