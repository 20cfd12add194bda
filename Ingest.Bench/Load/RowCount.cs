using Npgsql;

namespace Ingest.Bench.Load;

/// <summary>
/// Counts a table's rows in the database itself: what the node says it has committed is checked against what is there.
/// </summary>
public sealed class RowCount
{
    private readonly string connectionString;
    private readonly string sql;

    public RowCount(string connectionString, string table)
    {
        this.connectionString = connectionString;
        using var quote = new NpgsqlCommandBuilder();
        sql = $"select count(*) from {string.Join('.', table.Split('.').Select(quote.QuoteIdentifier))}";
    }

    /// <summary>
    /// The connection string that is given, else that of the environment (<c>INGEST_POSTGRES</c>), else the one that an
    /// embedded server has written to <c>postgres/connection</c> in the data directory (<c>INGEST_DATA</c>, else
    /// <c>data</c>); null where there is none.
    /// </summary>
    public static string? FindConnectionString(string? given, Func<string, string?> environment)
    {
        if (!string.IsNullOrWhiteSpace(given)) return given;
        if (environment("INGEST_POSTGRES") is { Length: > 0 } set) return set;
        var data = environment("INGEST_DATA") is { Length: > 0 } directory ? directory : "data";
        var file = Path.Combine(data, "postgres", "connection");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    /// <summary>Counts now.</summary>
    /// <exception cref="NpgsqlException">The database is not there, or the table is not.</exception>
    /// <exception cref="ArgumentException">The connection string is not one.</exception>
    public async Task<long> CountAsync(CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        // A count of many millions of rows takes a while; the caller's token ends it.
        command.CommandTimeout = 0;
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
