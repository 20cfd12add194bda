using Ingest.Messages;
using Ingest.Node.Writing;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.DeadLetters;

/// <summary>Reads and changes letters for people. Works on any node: all of it is in the database.</summary>
internal sealed class LetterStore(NpgsqlDataSource dataSource)
{
    /// <summary>Payload bytes of one page: bounds what a page takes of the node's memory.</summary>
    public const int MostPageBytes = 8 << 20;

    /// <summary>Letters discarded by one statement: few enough that no replay waits long for a lock.</summary>
    private const int DiscardedAtOnce = 5_000;

    private const string Columns = """
        id, table_name, payload::text, row_id, idempotency_key, sqlstate, message, constraint_name, column_name,
        attempts, occurred_at, attempted_at, replayed_at
        """;

    /// <summary>Reads open letters.</summary>
    /// <param name="after">Ids lie behind this one in the order of the page; null for its beginning.</param>
    /// <param name="newestFirst">By falling id; else by rising.</param>
    /// <returns>Up to <paramref name="limit"/> letters and <see cref="MostPageBytes"/>, but at least one, and whether
    /// there are more.</returns>
    public async Task<(IReadOnlyList<DeadLetter> Letters, bool HasMore)> ReadAsync(
        LetterFilter filter, long? after, bool newestFirst, int limit, CancellationToken cancellation)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand { Connection = connection };
        var where = filter.AddTo(command);
        var (direction, comparison) = newestFirst ? ("DESC", "<") : ("ASC", ">");
        if (after is not null) where += $" AND id {comparison} {Parameter(command, after, NpgsqlDbType.Bigint)}";
        // Sizes are summed up behind the limit, so that no more than a page is looked at.
        command.CommandText = $"""
            WITH page AS (
                SELECT * FROM ingest.dead_letters WHERE {where} ORDER BY id {direction}
                LIMIT {Parameter(command, limit + 1, NpgsqlDbType.Integer)}
            ), sized AS (
                SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY id {direction}) AS number,
                    sum(octet_length(payload::text)) OVER (ORDER BY id {direction}) AS bytes
                FROM page
            )
            SELECT {Columns}, found FROM sized
            WHERE number = 1 OR (number <= {Parameter(command, limit, NpgsqlDbType.Integer)}
                AND bytes <= {Parameter(command, MostPageBytes, NpgsqlDbType.Integer)})
            ORDER BY number
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var letters = new List<DeadLetter>();
        long found = 0;
        while (await reader.ReadAsync(cancellation))
        {
            letters.Add(Read(reader));
            found = reader.GetInt64(reader.FieldCount - 1);
        }

        return (letters, found > letters.Count);
    }

    /// <summary>Reads a letter, also one that was replayed; null where there is none.</summary>
    public async Task<DeadLetter?> FindAsync(long id, CancellationToken cancellation)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand(
            $"SELECT {Columns} FROM ingest.dead_letters WHERE id = $1", connection);
        Parameter(command, id, NpgsqlDbType.Bigint);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader) : null;
    }

    /// <summary>The id of the newest letter; 0 where there was never one.</summary>
    public async Task<long> NewestAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand("SELECT coalesce(max(id), 0) FROM ingest.dead_letters");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The tables that open letters are for.</summary>
    public async Task<IReadOnlyList<string>> TablesAsync(CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT DISTINCT table_name FROM ingest.dead_letters WHERE replayed_at IS NULL");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var tables = new List<string>();
        while (await reader.ReadAsync(cancellation)) tables.Add(reader.GetString(0));
        return tables;
    }

    /// <summary>Gives a letter another payload.</summary>
    /// <returns>False where it is not as it was read any more: nothing was changed.</returns>
    public Task<bool> EditAsync(DeadLetter letter, string payload, CancellationToken cancellation) =>
        ChangeAsync(letter, "UPDATE ingest.dead_letters SET payload = $4::json", cancellation, Sql.Text(payload));

    /// <summary>Notes that a letter was refused by the checks, before it came to PostgreSQL.</summary>
    /// <returns>False where it is not as it was read any more: nothing was changed.</returns>
    public Task<bool> RefuseAsync(DeadLetter letter, Rejection error, CancellationToken cancellation) => ChangeAsync(
        letter,
        """
        UPDATE ingest.dead_letters SET sqlstate = $4, message = $5, constraint_name = NULL, column_name = $6,
            attempts = attempts + 1, attempted_at = now()
        """,
        cancellation,
        Sql.Text(error.SqlState),
        Sql.Text(error.Message),
        new NpgsqlParameter { Value = (object?)error.Column ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });

    /// <summary>Removes a letter.</summary>
    /// <returns>False where it is not as it was read any more: it is still there.</returns>
    public Task<bool> DiscardAsync(DeadLetter letter, CancellationToken cancellation) =>
        ChangeAsync(letter, "DELETE FROM ingest.dead_letters", cancellation);

    /// <summary>Removes some open letters, up to an id; those that are being replayed at this moment are
    /// left.</summary>
    /// <returns>How many of each table; nothing where none is left.</returns>
    public async Task<IReadOnlyList<(string Table, long Letters)>> DiscardSomeAsync(
        LetterFilter filter, long upTo, CancellationToken cancellation)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand { Connection = connection };
        var where = $"{filter.AddTo(command)} AND id <= {Parameter(command, upTo, NpgsqlDbType.Bigint)}";
        command.CommandText = $"""
            WITH discarded AS (
                DELETE FROM ingest.dead_letters WHERE id = ANY (ARRAY(
                    SELECT id FROM ingest.dead_letters WHERE {where} ORDER BY id LIMIT {DiscardedAtOnce}
                    FOR UPDATE SKIP LOCKED))
                RETURNING table_name
            )
            SELECT table_name, count(*) FROM discarded GROUP BY table_name
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var discarded = new List<(string, long)>();
        while (await reader.ReadAsync(cancellation)) discarded.Add((reader.GetString(0), reader.GetInt64(1)));
        return discarded;
    }

    private async Task<bool> ChangeAsync(
        DeadLetter letter, string change, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand(
            $"{change} WHERE id = $1 AND attempts = $2 AND payload::text IS NOT DISTINCT FROM $3", connection);
        Parameter(command, letter.Id, NpgsqlDbType.Bigint);
        Parameter(command, letter.Attempts, NpgsqlDbType.Integer);
        Parameter(command, letter.Payload, NpgsqlDbType.Text);
        foreach (var value in values) command.Parameters.Add(value);
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    private static string Parameter(NpgsqlCommand command, object? value, NpgsqlDbType type)
    {
        command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
        return $"${command.Parameters.Count}";
    }

    private static DeadLetter Read(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetInt64(0),
        Table = reader.GetString(1),
        Payload = reader.GetValue(2) as string,
        RowId = reader.GetValue(3) as string,
        IdempotencyKey = reader.GetValue(4) as string,
        Error = new Rejection(
            reader.GetString(5), reader.GetString(6), reader.GetValue(7) as string, reader.GetValue(8) as string),
        Attempts = reader.GetInt32(9),
        OccurredAt = reader.GetFieldValue<DateTimeOffset>(10),
        AttemptedAt = reader.GetFieldValue<DateTimeOffset>(11),
        ReplayedAt = reader.IsDBNull(12) ? null : reader.GetFieldValue<DateTimeOffset>(12),
    };
}
