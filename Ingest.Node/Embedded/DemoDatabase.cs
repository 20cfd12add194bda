using Npgsql;

namespace Ingest.Node.Embedded;

/// <summary>The database <c>ingest</c> and its demo table <c>clicks</c>.</summary>
internal static class DemoDatabase
{
    private const string Unfinished = ConnectionFiles.Database + "_unfinished";

    private const string Clicks =
        """
        CREATE TABLE clicks(
            id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            url     text NOT NULL,
            user_id bigint,
            amount  double precision,
            at      timestamptz NOT NULL DEFAULT now())
        """;

    /// <summary>
    /// Makes the database with its table, unless there is one. It is made under another name and renamed, so that a
    /// crash leaves all or nothing, and a table that someone dropped later stays dropped.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">The server refuses; the message has its reason.</exception>
    public static async Task EnsureAsync(int port, string password, CancellationToken cancellation)
    {
        try
        {
            await using var server = await OpenAsync(port, password, "postgres", cancellation);
            if (await ExistsAsync(server, cancellation))
                return;
            await ExecuteAsync(server, $"DROP DATABASE IF EXISTS {Unfinished}", cancellation);
            await ExecuteAsync(server, $"CREATE DATABASE {Unfinished}", cancellation);
            await using (var database = await OpenAsync(port, password, Unfinished, cancellation))
                await ExecuteAsync(database, Clicks, cancellation);
            await ExecuteAsync(
                server, $"ALTER DATABASE {Unfinished} RENAME TO {ConnectionFiles.Database}", cancellation);
        }
        catch (NpgsqlException e)
        {
            throw new EmbeddedPostgresException(
                $"The embedded PostgreSQL on port {port} does not let the node in: {e.Message}", e);
        }
    }

    private static async Task<NpgsqlConnection> OpenAsync(
        int port, string password, string database, CancellationToken cancellation)
    {
        // A pooled connection would stay in the database, which then could not be renamed.
        var settings = new NpgsqlConnectionStringBuilder(ConnectionFiles.ConnectionString(port, password, database))
        {
            Pooling = false,
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection server, CancellationToken cancellation)
    {
        await using var query = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", server);
        query.Parameters.Add(new NpgsqlParameter { Value = ConnectionFiles.Database });
        return await query.ExecuteScalarAsync(cancellation) is not null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
