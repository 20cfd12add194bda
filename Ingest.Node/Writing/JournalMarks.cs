using Ingest.Messages;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// The statements of <c>ingest.journals</c>, which has a row for each lane: up to which event its journal is settled.
/// Kept beside the ledger and not in the journal, so that one tells when the other is lost or old.
/// </summary>
internal static class JournalMarks
{
    /// <summary>Made at start-up where it is missing. <c>clean_at</c> is when no event was unsettled: all rows that had
    /// been settled by then are behind the mark.</summary>
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS ingest.journals (
            lane text PRIMARY KEY,
            settled bigint NOT NULL DEFAULT 0,
            forgiven bigint NOT NULL DEFAULT 0,
            clean_at timestamptz
        );
        """;

    /// <summary>
    /// Holds for a row of the ledger that no event of a journal needs any more. One that is purged too early would let
    /// a lane write its journaled rows once more, when it is read again.
    /// </summary>
    public const string IsNotNeeded = """
        NOT EXISTS (SELECT FROM ingest.journals WHERE journals.lane = ledger.lane
            AND (journals.clean_at IS NULL OR journals.clean_at < ledger.moved_at))
        """;

    private const string Read = """
        WITH added AS (INSERT INTO ingest.journals (lane) VALUES ($1) ON CONFLICT DO NOTHING)
        SELECT settled, forgiven FROM ingest.journals WHERE lane = $1
        """;

    // An older incarnation may come late.
    private const string Settle = """
        UPDATE ingest.journals
        SET settled = greatest(settled, $2), clean_at = CASE WHEN $3 THEN now() ELSE clean_at END
        WHERE lane = $1 AND settled <= $2
        """;

    /// <summary>Reads the mark of a lane, and makes it where there is none.</summary>
    public static async Task<JournalMark> ReadAsync(
        NpgsqlConnection connection, LaneId lane, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Read, connection) { Parameters = { Sql.Text(lane.ToString()) } };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new JournalMark(reader.GetInt64(0), reader.GetInt64(1))
            : default; // It was made by this statement, which does not see it yet.
    }

    public static async Task SetAsync(NpgsqlConnection connection, MarkJournal mark, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Settle, connection)
        {
            Parameters =
            {
                Sql.Text(mark.Lane.ToString()),
                new() { Value = mark.Settled, NpgsqlDbType = NpgsqlDbType.Bigint },
                new() { Value = mark.IsClean, NpgsqlDbType = NpgsqlDbType.Boolean },
            },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
