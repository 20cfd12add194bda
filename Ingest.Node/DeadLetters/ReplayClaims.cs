using Ingest.Messages;
using Ingest.Node.Writing;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// The dead letters that rows of a batch replay, locked in the batch's own transaction. The lock is what makes a replay
/// happen once, however often it is asked for and by how many: who comes second finds the letter replayed and gets the
/// row that came of it, or finds it gone, or edited.
/// </summary>
internal sealed class ReplayClaims
{
    private const string Lock = """
        SELECT id, replayed_at IS NOT NULL, row_id, idempotency_key, key_digest,
            encode(substr(sha256(convert_to(payload::text, 'UTF8')), 1, 16), 'hex')::uuid
        FROM ingest.dead_letters
        WHERE id = ANY ($1) AND table_name = $2
        ORDER BY id FOR UPDATE
        """;

    private const string RecordReplays = """
        UPDATE ingest.dead_letters AS letter
        SET payload = NULL, row_id = row.row_id, replayed_at = now(), attempts = attempts + 1, attempted_at = now()
        FROM unnest($1, $2) AS row (id, row_id)
        WHERE letter.id = row.id
        """;

    private const string RecordRejections = $"""
        UPDATE ingest.dead_letters AS letter
        SET sqlstate = row.sqlstate, message = row.message, constraint_name = row.constraint_name,
            column_name = row.column_name, attempts = attempts + 1, attempted_at = now()
        FROM unnest($1, $2, $3, $4, $5) AS row (id, {RejectionColumns.Names})
        WHERE letter.id = row.id
        """;

    private static readonly Rejection Gone = new(
        LetterKey.Gone, "The dead letter is not there any more; somebody has discarded it.");

    private static readonly Rejection Changed = new(
        LetterKey.Changed, "The dead letter was changed while it was being replayed.");

    private readonly Dictionary<long, Replay> claimed = [];
    private readonly List<(Replay Row, long Letter)> following = [];
    private readonly List<RejectedRow> rejected = [];
    private readonly List<RepeatedRow> repeated = [];
    private readonly Dictionary<(GatewayId, long), RowKey> ownKeys = [];

    private ReplayClaims(FittedBatch fitted) => Fresh = fitted;

    /// <summary>The rows of the batch that are to be written, as far as letters are concerned.</summary>
    public FittedBatch Fresh { get; private set; }

    /// <summary>Locks the letters that rows of the batch replay; null where none does, as a rule.</summary>
    /// <param name="wait">Waits for the lock, which another transaction may hold.</param>
    public static async Task<ReplayClaims?> TakeAsync(
        NpgsqlConnection connection,
        Batch batch,
        FittedBatch fitted,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        var replays = ReplaysOf(batch, fitted);
        if (replays.Count == 0) return null;
        var letters = await LockAsync(connection, batch.Lane, replays, wait, cancellation);
        var claims = new ReplayClaims(fitted);
        var settled = replays
            .Where(replay => !claims.TryClaim(replay, letters.GetValueOrDefault(replay.Letter)))
            .Select(replay => replay.Index)
            .OfType<int>()
            .ToHashSet();
        claims.Fresh = fitted.Without(settled);
        return claims;
    }

    /// <summary>The idempotency key that a replayed row had when it came first; null where it had none.</summary>
    public RowKey? OwnKeyOf(GatewayId gateway, long position) =>
        ownKeys.TryGetValue((gateway, position), out var key) ? key : null;

    /// <summary>The verdicts of all rows, once those of the rows that were to be written are known.</summary>
    public Exceptions Judge(Exceptions written)
    {
        var rejections = written.Rejections.ToBuilder();
        var repeats = written.Repeats.ToBuilder();
        rejections.AddRange(rejected);
        repeats.AddRange(repeated);
        var verdicts = new RowVerdicts(written);
        foreach (var (row, letter) in following)
        {
            var first = claimed[letter];
            if (verdicts.RejectionOf(first.Place) is { } rejection)
                rejections.Add(new RejectedRow(row.Gateway, row.Position, rejection));
            else repeats.Add(new RepeatedRow(row.Gateway, row.Position, IdOf(first, verdicts)));
        }

        return new Exceptions(rejections.DrainToImmutable(), repeats.DrainToImmutable());
    }

    /// <summary>The commands that settle the letters: those that were written are replayed, the others have one attempt
    /// more and the newest error.</summary>
    public IEnumerable<NpgsqlBatchCommand> Record(Exceptions written)
    {
        var verdicts = new RowVerdicts(written);
        var refused = claimed.Values.Where(replay => verdicts.RejectionOf(replay.Place) is not null).ToArray();
        var done = claimed.Values.Where(replay => verdicts.RejectionOf(replay.Place) is null).ToArray();
        if (done.Any(replay => replay.Index is null))
            throw new InvalidOperationException("A row that was not written has no rejection.");
        if (done.Length > 0)
        {
            yield return new NpgsqlBatchCommand(RecordReplays)
            {
                Parameters =
                {
                    Sql.Array(done.Select(replay => replay.Letter), NpgsqlDbType.Bigint),
                    Sql.Texts(done.Select(replay => IdOf(replay, verdicts))),
                },
            };
        }

        if (refused.Length == 0) yield break;
        var command = new NpgsqlBatchCommand(RecordRejections)
        {
            Parameters = { Sql.Array(refused.Select(replay => replay.Letter), NpgsqlDbType.Bigint) },
        };
        RejectionColumns.Add(command.Parameters, [.. refused.Select(replay => verdicts.RejectionOf(replay.Place))]);
        yield return command;
    }

    private static string IdOf(Replay row, RowVerdicts verdicts) => verdicts.RepeatedIdOf(row.Place) ?? row.RowId;

    private static List<Replay> ReplaysOf(Batch batch, FittedBatch fitted)
    {
        var replays = new List<Replay>();
        foreach (var (place, key) in RowKeys.Of(batch))
        {
            if (!LetterKey.TryRead(key.Key, out var letter)) continue;
            replays.Add(new Replay(letter, place.Gateway, place.Position, key.Digest, null, "null"));
        }

        if (replays.Count == 0) return replays;
        // A row that the table does not take any more is not among those to be written: it has no index, and is
        // refused.
        var places = Enumerable.Range(0, fitted.Rows.Count)
            .Select(index => (Index: index, Row: fitted.Rows.At(index)))
            .ToDictionary(entry => (entry.Row.Gateway, entry.Row.Position));
        return
        [
            .. replays.Select(replay => places.TryGetValue((replay.Gateway, replay.Position), out var place)
                ? replay with
                {
                    Index = place.Index,
                    RowId = LetterPayload.IdOf(fitted.Table, place.Row.Shape, place.Row.Tuple.Span) ?? "null",
                }
                : replay),
        ];
    }

    private static async Task<Dictionary<long, Held>> LockAsync(
        NpgsqlConnection connection,
        LaneId lane,
        List<Replay> replays,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Lock, connection)
        {
            Parameters =
            {
                Sql.Array(replays.Select(replay => replay.Letter).Distinct(), NpgsqlDbType.Bigint),
                Sql.Text(lane.Table),
            },
        };
        var locking = command.ExecuteReaderAsync(cancellation);
        await wait(locking);
        await using var reader = await locking;
        var letters = new Dictionary<long, Held>();
        while (await reader.ReadAsync(cancellation))
        {
            var digest = reader.GetValue(5) as Guid?;
            var key = reader.GetValue(3) is string own ? new RowKey(0, own, reader.GetGuid(4)) : (RowKey?)null;
            letters.Add(
                reader.GetInt64(0), new Held(reader.GetBoolean(1), reader.GetValue(2) as string, key, digest));
        }

        return letters;
    }

    /// <summary>True where the row is to be written; else it has its verdict, or follows the row that is.</summary>
    private bool TryClaim(Replay replay, Held? letter)
    {
        // What the table does not take is refused already, whatever the letter says.
        if (replay.Index is null)
        {
            if (letter is { IsReplayed: false }) claimed.TryAdd(replay.Letter, replay);
            return false;
        }

        if (letter is null) rejected.Add(new RejectedRow(replay.Gateway, replay.Position, Gone));
        else if (letter.IsReplayed)
            repeated.Add(new RepeatedRow(replay.Gateway, replay.Position, letter.RowId ?? "null"));
        else if (letter.Digest != replay.Digest)
            rejected.Add(new RejectedRow(replay.Gateway, replay.Position, Changed));
        else if (!claimed.TryAdd(replay.Letter, replay)) following.Add((replay, replay.Letter));
        else
        {
            if (letter.Key is { } key) ownKeys.Add((replay.Gateway, replay.Position), key);
            return true;
        }

        return false;
    }

    /// <summary>A row of the batch that replays a letter.</summary>
    /// <param name="Index">Among the rows to be written; null where the table does not take it any more.</param>
    /// <param name="RowId">The row's id, as JSON.</param>
    private sealed record Replay(
        long Letter, GatewayId Gateway, long Position, Guid Digest, int? Index, string RowId)
    {
        public (GatewayId, long) Place => (Gateway, Position);
    }

    /// <summary>A letter as its lock found it.</summary>
    private sealed record Held(bool IsReplayed, string? RowId, RowKey? Key, Guid? Digest);
}
