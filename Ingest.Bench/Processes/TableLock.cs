using Npgsql;

namespace Ingest.Bench.Processes;

/// <summary>A lock on tables that nobody can write, or read, beside: what is sent meanwhile has to wait.</summary>
internal sealed class TableLock : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;

    private TableLock(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        this.connection = connection;
        this.transaction = transaction;
    }

    /// <param name="postgres">The connection string.</param>
    /// <param name="tables">As SQL names them.</param>
    public static async Task<TableLock> TakeAsync(string postgres, params IEnumerable<string> tables)
    {
        var connection = new NpgsqlConnection(postgres);
        await connection.OpenAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(
            $"LOCK TABLE {string.Join(", ", tables)} IN ACCESS EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return new TableLock(connection, transaction);
    }

    public Task ReleaseAsync() => transaction.CommitAsync();

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
