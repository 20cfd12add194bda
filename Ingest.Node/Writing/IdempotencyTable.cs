using Ingest.Messages;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Writing;

/// <summary>
/// The statements of <c>ingest.idempotency</c>, which has a row for each key of a table: whose it is, and what became
/// of that row.
/// </summary>
internal static class IdempotencyTable
{
    /// <summary>Made at start-up where it is missing; each statement may be repeated.</summary>
    public const string Tables = $"""
        CREATE TABLE IF NOT EXISTS ingest.idempotency (
            table_name text NOT NULL,
            key text NOT NULL,
            digest uuid NOT NULL,
            row_id text NOT NULL,
            {RejectionColumns.Definitions},
            claimed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (table_name, key)
        );
        CREATE INDEX IF NOT EXISTS idempotency_claimed_at ON ingest.idempotency (claimed_at);
        """;

    private const string Claim = """
        INSERT INTO ingest.idempotency (table_name, key, digest, row_id)
        SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
        ON CONFLICT (table_name, key) DO NOTHING
        RETURNING key
        """;

    private const string ClaimOrFail = """
        WITH done AS (INSERT INTO ingest.idempotency (table_name, key, digest, row_id)
                      SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
                      ON CONFLICT (table_name, key) DO NOTHING
                      RETURNING 1)
        """ + Sql.FailUnlessDone;

    // The replay of a dead letter goes on where its row's first attempt was rejected, and keeps that one's digest: who
    // sends the row again gets the replayed row.
    private const string TakeOver = """
        INSERT INTO ingest.idempotency AS held (table_name, key, digest, row_id)
        SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
        ON CONFLICT (table_name, key) DO UPDATE
        SET row_id = excluded.row_id, claimed_at = excluded.claimed_at,
            sqlstate = NULL, message = NULL, constraint_name = NULL, column_name = NULL
        WHERE held.sqlstate IS NOT NULL
        RETURNING key
        """;

    private const string Read = $"""
        SELECT key, digest, row_id, {RejectionColumns.Names} FROM ingest.idempotency
        WHERE table_name = $1 AND key = ANY ($2)
        """;

    private const string RejectKeys = $"""
        UPDATE ingest.idempotency AS held
        SET sqlstate = row.sqlstate, message = row.message, constraint_name = row.constraint_name,
            column_name = row.column_name
        FROM unnest($2, $3, $4, $5, $6) AS row (key, {RejectionColumns.Names})
        WHERE held.table_name = $1 AND held.key = row.key
        """;

    private const string ChangeIds = """
        UPDATE ingest.idempotency AS held SET row_id = row.id FROM unnest($2, $3) AS row (key, id)
        WHERE held.table_name = $1 AND held.key = row.key
        """;

    /// <summary>Claims keys for rows that replay dead letters, or for others; waits for another transaction that holds
    /// one.</summary>
    /// <returns>The keys that were free.</returns>
    public static async Task<HashSet<string>> ClaimAsync(
        NpgsqlConnection connection,
        LaneId lane,
        IReadOnlyList<KeyedRow> rows,
        bool isReplay,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        if (rows.Count == 0) return [];
        await using var command = new NpgsqlCommand(isReplay ? TakeOver : Claim, connection);
        foreach (var parameter in Parameters(lane, rows)) command.Parameters.Add(parameter);
        var claim = command.ExecuteReaderAsync(cancellation);
        await wait(claim);
        await using var reader = await claim;
        var claimed = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation)) claimed.Add(reader.GetString(0));
        return claimed;
    }

    /// <summary>The command that claims keys for a transaction that goes on without looking at it: it fails, by a
    /// division by zero, where one is taken.</summary>
    public static NpgsqlBatchCommand ClaimAllOrFail(LaneId lane, IReadOnlyList<KeyedRow> rows)
    {
        var command = new NpgsqlBatchCommand(ClaimOrFail);
        foreach (var parameter in Parameters(lane, rows)) command.Parameters.Add(parameter);
        return command;
    }

    /// <summary>The rows that have some keys, by key.</summary>
    /// <exception cref="NpgsqlException">A key is not there any more.</exception>
    public static async Task<Dictionary<string, KeyHolder>> ReadAsync(
        NpgsqlConnection connection, LaneId lane, string[] keys, CancellationToken cancellation)
    {
        var holders = new Dictionary<string, KeyHolder>(StringComparer.Ordinal);
        if (keys.Length == 0) return holders;
        await using var command = new NpgsqlCommand(Read, connection)
        {
            Parameters = { Sql.Text(lane.Table), Sql.Texts(keys) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            holders[reader.GetString(0)] = new KeyHolder(
                reader.GetGuid(1), reader.GetString(2), RejectionColumns.Read(reader, 3));
        }

        // Between the claim and this look its time ran out, and it was purged: the next attempt claims it.
        if (keys.Any(key => !holders.ContainsKey(key)))
            throw new NpgsqlException("an idempotency key was purged while it was looked up");
        return holders;
    }

    /// <summary>The command that keeps with keys that other rows answer for them; null where there are none.</summary>
    public static NpgsqlBatchCommand? RecordIds(LaneId lane, IReadOnlyList<(string Key, string Id)> rows) =>
        rows.Count == 0 ? null : new NpgsqlBatchCommand(ChangeIds)
        {
            Parameters =
            {
                Sql.Text(lane.Table), Sql.Texts(rows.Select(row => row.Key)), Sql.Texts(rows.Select(row => row.Id)),
            },
        };

    /// <summary>The command that keeps with keys that their rows were rejected; null where there are none.</summary>
    public static NpgsqlBatchCommand? RecordRejections(
        LaneId lane, IReadOnlyList<(string Key, Rejection Rejection)> rows)
    {
        if (rows.Count == 0) return null;
        var command = new NpgsqlBatchCommand(RejectKeys)
        {
            Parameters = { Sql.Text(lane.Table), Sql.Texts(rows.Select(row => row.Key)) },
        };
        RejectionColumns.Add(command.Parameters, [.. rows.Select(row => row.Rejection)]);
        return command;
    }

    private static NpgsqlParameter[] Parameters(LaneId lane, IReadOnlyList<KeyedRow> rows) =>
    [
        Sql.Text(lane.Table),
        Sql.Texts(rows.Select(row => row.Key)),
        Sql.Array(rows.Select(row => row.Digest), NpgsqlDbType.Uuid),
        Sql.Texts(rows.Select(row => row.Id)),
    ];
}
