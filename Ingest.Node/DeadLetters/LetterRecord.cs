using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// Keeps the rows that a batch could not write as dead letters, in the batch's own transaction: a letter is there
/// exactly when the ledger says that its row was rejected.
/// </summary>
internal static class LetterRecord
{
    /// <summary>Letters of one statement: few enough that its parameters stay small.</summary>
    private const int AtOnce = 1_000;

    // A row that repeats a rejected one has that one's letter, if it has the same payload.
    private const string Insert = """
        INSERT INTO ingest.dead_letters
            (table_name, payload, row_id, idempotency_key, key_digest, sqlstate, message, constraint_name, column_name)
        SELECT $1, letter.payload::json, letter.row_id, letter.key, letter.digest, letter.sqlstate, letter.message,
            letter.constraint_name, letter.column_name
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY AS letter
            (payload, row_id, key, digest, sqlstate, message, constraint_name, column_name, number)
        WHERE letter.key IS NULL OR NOT EXISTS (
            SELECT FROM ingest.dead_letters AS held
            WHERE held.table_name = $1 AND held.idempotency_key = letter.key AND held.key_digest = letter.digest)
        ORDER BY letter.number
        """;

    /// <summary>The commands that keep rejected rows of a batch; none for a row that is itself a letter's
    /// replay.</summary>
    /// <param name="table">The table as it is now; null where it is gone.</param>
    public static IEnumerable<NpgsqlBatchCommand> Of(
        Batch batch, TableDescriptor? table, IEnumerable<RejectedRow> rejected) =>
        LettersOf(batch, table, rejected).Chunk(AtOnce).Select(letters => Command(batch.Lane, letters));

    /// <summary>The rejected rows that are to be kept: those that were accepted before, since nobody else has them any
    /// more; and, where the table keeps all, those that PostgreSQL has just refused.</summary>
    /// <param name="refused">The rows that were to be written, and were not.</param>
    /// <param name="rejected">These, and the rows that repeat a rejected one or reuse a key.</param>
    public static IEnumerable<RejectedRow> KeptOf(
        Batch batch, bool keepsAll, IEnumerable<RejectedRow> refused, IEnumerable<RejectedRow> rejected)
    {
        var accepted = batch.Parts.Where(part => part.Envelope.Acknowledge == Acknowledge.Accepted && !part.Skipped)
            .Select(part => part.Range)
            .ToList();
        if (accepted.Count == 0) return keepsAll ? refused : [];
        var lost = rejected.Where(row => accepted.Exists(range =>
            range.Gateway == row.Gateway && range.First <= row.Position && row.Position <= range.Last));
        return keepsAll ? lost.Union(refused) : lost;
    }

    private static IEnumerable<Letter> LettersOf(
        Batch batch, TableDescriptor? table, IEnumerable<RejectedRow> rejected)
    {
        var rejections = rejected.ToDictionary(row => (row.Gateway, row.Position), row => row.Rejection);
        if (rejections.Count == 0) return [];
        var keys = RowKeys.Of(batch);
        var letters = new List<Letter>(rejections.Count);
        foreach (var slice in BatchRows.SlicesOf(batch))
        {
            for (var row = 0; row < slice.Count; row++)
            {
                var place = (slice.Gateway, slice.Position + row);
                if (!rejections.TryGetValue(place, out var rejection)) continue;
                RowKey? key = keys.TryGetValue(place, out var held) ? held : null;
                if (key is { } replay && LetterKey.TryRead(replay.Key, out _)) continue;
                // A key that was used before belongs to another row.
                if (rejection.SqlState == RowKey.Mismatch) key = null;
                var shape = slice.Run.Shape;
                var tuple = slice.Tuples(row, 1).Span;
                letters.Add(new Letter(
                    LetterPayload.Of(table, shape, tuple), LetterPayload.IdOf(table, shape, tuple), key, rejection));
            }
        }

        // Of two rows with one key only the first was tried; the other one repeats its verdict.
        return letters.DistinctBy(
            letter => letter.Key is { } key ? ((object)key.Key, key.Digest) : (letter, Guid.Empty));
    }

    private static NpgsqlBatchCommand Command(LaneId lane, Letter[] letters) => new(Insert)
    {
        Parameters =
        {
            Sql.Text(lane.Table),
            Sql.Texts(letters.Select(letter => letter.Payload)),
            Sql.Texts(letters.Select(letter => letter.RowId)),
            Sql.Texts(letters.Select(letter => letter.Key?.Key)),
            Sql.Array(letters.Select(letter => letter.Key?.Digest), NpgsqlDbType.Uuid),
            Sql.Texts(letters.Select(letter => letter.Rejection.SqlState)),
            Sql.Texts(letters.Select(letter => letter.Rejection.Message)),
            Sql.Texts(letters.Select(letter => letter.Rejection.Constraint)),
            Sql.Texts(letters.Select(letter => letter.Rejection.Column)),
        },
    };

    // Told apart by identity: rows without a key may be equal and are still two.
    private sealed class Letter(string payload, string? rowId, RowKey? key, Rejection rejection)
    {
        public string Payload => payload;

        public string? RowId => rowId;

        public RowKey? Key => key;

        public Rejection Rejection => rejection;
    }
}
