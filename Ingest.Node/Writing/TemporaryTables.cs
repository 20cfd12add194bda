using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// The temporary tables of a connection. They outlive a transaction, and are empty in each new one. PostgreSQL empties
/// all of them at the end of a transaction that has used any, which takes some 0.2 ms for each; so a connection keeps
/// few, however many tables it writes to.
/// </summary>
internal sealed class TemporaryTables(NpgsqlConnection connection)
{
    public const int MostKept = 8;

    private const string Missing = """
        SELECT name FROM pg_catalog.unnest($1) AS name WHERE pg_catalog.to_regclass(name) IS NULL
        """;

    private const string Count = """
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_class
        WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind = 'r'
        """;

    private bool isSomeNew;

    /// <summary>Makes tables that the connection does not have.</summary>
    /// <param name="tables">Their names in the schema <c>pg_temp</c>, and their columns as SQL. A name belongs to the
    /// same columns always.</param>
    /// <exception cref="PostgresException">The role may make none; the transaction is aborted.</exception>
    public async Task MakeAsync(
        IReadOnlyCollection<(string Name, string Columns)> tables, CancellationToken cancellation)
    {
        var missing = new HashSet<string>();
        await using (var look = new NpgsqlCommand(Missing, connection)
        {
            Parameters = { Sql.Texts(tables.Select(table => table.Name)) },
        })
        await using (var reader = await look.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) missing.Add(reader.GetString(0));
        foreach (var (name, columns) in tables.Where(table => missing.Contains(table.Name)))
        {
            await ExecuteAsync($"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DELETE ROWS", cancellation);
            isSomeNew = true;
        }
    }

    /// <summary>Drops all tables where there are too many. Not within a transaction, which may want them yet.</summary>
    public async Task TrimAsync(CancellationToken cancellation)
    {
        if (!isSomeNew) return;
        isSomeNew = false;
        await using var count = new NpgsqlCommand(Count, connection);
        if (await count.ExecuteScalarAsync(cancellation) is > (long)MostKept)
            await ExecuteAsync("DISCARD TEMPORARY", cancellation);
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
