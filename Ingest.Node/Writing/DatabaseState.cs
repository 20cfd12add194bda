using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>The PostgreSQL server, as people want to see it.</summary>
/// <param name="Version">As in <c>server_version</c>.</param>
/// <param name="Since">When it started.</param>
/// <param name="IsReadOnly">It is a standby, or takes reads only.</param>
/// <param name="Connections">Of all clients, to this database.</param>
/// <param name="MaxConnections">That the server takes at most, to all its databases.</param>
/// <param name="RoundTrip">What the question took.</param>
internal sealed record DatabaseState(
    string Version, DateTime Since, bool IsReadOnly, long Connections, int MaxConnections, TimeSpan RoundTrip);

/// <summary>Asks the server how it is.</summary>
internal sealed class DatabaseStateReader(NpgsqlDataSource database, TimeProvider time)
{
    private const string Question = """
        SELECT current_setting('server_version'), pg_catalog.pg_postmaster_start_time(),
               pg_catalog.pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean,
               (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()),
               current_setting('max_connections')::int
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <returns>null where it does not answer within two seconds.</returns>
    public async Task<DatabaseState?> ReadAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await using var connection = await database.OpenConnectionAsync(limit.Token);
            var asked = time.GetTimestamp();
            await using var command = new NpgsqlCommand(Question, connection);
            await using var reader = await command.ExecuteReaderAsync(limit.Token);
            await reader.ReadAsync(limit.Token);
            return new DatabaseState(
                reader.GetString(0),
                reader.GetDateTime(1),
                reader.GetBoolean(2),
                reader.GetInt64(3),
                reader.GetInt32(4),
                time.GetElapsedTime(asked));
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            return null;
        }
    }
}
