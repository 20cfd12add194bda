using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Gateway.Access;

/// <summary>A key as it is stored: everything but the key.</summary>
/// <param name="Name">Who calls by it; several keys may have one name.</param>
internal sealed record StoredApiKey(string Id, string Name, byte[] Hash, string[] Grants)
{
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Null: as the settings have it.</summary>
    public int? RowsPerSecond { get; init; }

    /// <summary>Null: as the settings have it.</summary>
    public int? InFlightRows { get; init; }
}

/// <summary>
/// <c>ingest.api_keys</c>, which all nodes of a cluster share: a key that is added or removed there needs no file to
/// be brought to any node.
/// </summary>
internal static class ApiKeyTable
{
    /// <summary>Keys that are read at most; what is beyond is not known.</summary>
    public const int MaxKeys = 100_000;

    public const string Definition = """
        CREATE TABLE IF NOT EXISTS ingest.api_keys(
            id text PRIMARY KEY,
            name text NOT NULL,
            sha256 bytea NOT NULL CHECK (length(sha256) = 32),
            grants text[] NOT NULL,
            expires_at timestamptz,
            rows_per_second int,
            in_flight_rows int,
            created_at timestamptz NOT NULL DEFAULT now());
        """;

    /// <summary>All keys, the oldest first.</summary>
    public static async Task<List<StoredApiKey>> ReadAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand($"""
            SELECT id, name, sha256, grants, expires_at, rows_per_second, in_flight_rows
            FROM ingest.api_keys ORDER BY created_at, id LIMIT {MaxKeys}
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var keys = new List<StoredApiKey>();
        while (await reader.ReadAsync(cancellation))
        {
            keys.Add(new StoredApiKey(
                reader.GetString(0), reader.GetString(1), reader.GetFieldValue<byte[]>(2),
                reader.GetFieldValue<string[]>(3))
            {
                ExpiresAt = await reader.IsDBNullAsync(4, cancellation)
                    ? null
                    : reader.GetFieldValue<DateTimeOffset>(4),
                RowsPerSecond = await reader.IsDBNullAsync(5, cancellation) ? null : reader.GetInt32(5),
                InFlightRows = await reader.IsDBNullAsync(6, cancellation) ? null : reader.GetInt32(6),
            });
        }

        return keys;
    }

    public static async Task AddAsync(NpgsqlDataSource source, StoredApiKey key, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            "INSERT INTO ingest.api_keys(id, name, sha256, grants, expires_at, rows_per_second, in_flight_rows) "
            + "VALUES ($1, $2, $3, $4, $5, $6, $7)");
        command.Parameters.Add(new() { Value = key.Id });
        command.Parameters.Add(new() { Value = key.Name });
        command.Parameters.Add(new() { Value = key.Hash });
        command.Parameters.Add(new() { Value = key.Grants });
        command.Parameters.Add(new()
        {
            Value = (object?)key.ExpiresAt?.ToUniversalTime() ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        foreach (var limit in new[] { key.RowsPerSecond, key.InFlightRows })
        {
            command.Parameters.Add(
                new() { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        }

        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <returns>False where there is no such key.</returns>
    public static async Task<bool> RemoveAsync(NpgsqlDataSource source, string id, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("DELETE FROM ingest.api_keys WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }
}
