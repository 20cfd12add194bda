using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.DeadLetters;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// The idempotency keys of a batch's rows, claimed in the batch's own transaction. A key belongs to the first row that
/// commits with it: a transaction that claims a key which another one holds waits for that one, then finds it taken. A
/// row whose key is taken is not written; it gets the verdict of the row that it repeats.
/// </summary>
internal sealed class KeyClaims
{
    private static readonly Rejection Mismatch = new(
        RowKey.Mismatch, "The idempotency key was used before, with another payload.");

    private readonly LaneId lane;
    private readonly ReplayClaims? replays;
    private readonly Dictionary<string, KeyHolder> holders;
    private readonly List<KeyedRow> repeating;

    private KeyClaims(
        LaneId lane, FittedBatch fresh, Dictionary<string, KeyHolder> holders, List<KeyedRow> repeating,
        ReplayClaims? replays)
    {
        this.lane = lane;
        Fresh = fresh;
        this.holders = holders;
        this.repeating = repeating;
        this.replays = replays;
    }

    /// <summary>The rows of the batch that are to be written.</summary>
    public FittedBatch Fresh { get; }

    /// <summary>Claims the keys of a batch, and the dead letters that it replays; null where its rows have no
    /// keys.</summary>
    /// <param name="wait">Waits for the claim, which may have to wait for another transaction's.</param>
    public static async Task<KeyClaims?> TakeAsync(
        NpgsqlConnection connection,
        Batch batch,
        FittedBatch fitted,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        if (batch.Parts.All(part => part.Envelope.Keys.IsEmpty)) return null;
        var replays = await ReplayClaims.TakeAsync(connection, batch, fitted, wait, cancellation);
        fitted = replays?.Fresh ?? fitted;
        var rows = KeyedRow.AllOf(batch, fitted, replays).ToList();
        var wanted = KeyedRow.FirstOfEach(rows);
        var claimed = await ClaimAsync(isReplay: false);
        claimed.UnionWith(await ClaimAsync(isReplay: true));
        var owners = wanted.Where(row => claimed.Contains(row.Key)).ToList();
        var first = owners.Select(row => row.Index).ToHashSet();
        var repeating = rows.Where(row => !first.Contains(row.Index)).ToList();
        var taken = wanted.Where(row => !claimed.Contains(row.Key)).Select(row => row.Key).ToArray();
        var holders = await IdempotencyTable.ReadAsync(connection, batch.Lane, taken, cancellation);
        foreach (var row in owners)
            holders.Add(row.Key, new KeyHolder(row.Digest, row.Id, null) { Place = (row.Gateway, row.Position) });
        var fresh = fitted.Without(repeating.Select(row => row.Index).ToHashSet());
        return new KeyClaims(batch.Lane, fresh, holders, repeating, replays);

        Task<HashSet<string>> ClaimAsync(bool isReplay) => IdempotencyTable.ClaimAsync(
            connection, batch.Lane, [.. wanted.Where(row => row.IsReplay == isReplay)], isReplay, wait, cancellation);
    }

    /// <summary>The command that claims all keys of a batch for a transaction that goes on without looking at it: it
    /// fails, by a division by zero, where a key is taken.</summary>
    /// <returns>False where two rows of the batch have one key, so that one of them repeats the other, or a row
    /// replays a dead letter.</returns>
    public static bool TryClaimAll(Batch batch, FittedBatch fitted, out NpgsqlBatchCommand? command)
    {
        command = null;
        if (batch.Parts.All(part => part.Envelope.Keys.IsEmpty)) return true;
        if (RowKeys.Of(batch).Values.Any(key => LetterKey.TryRead(key.Key, out _))) return false;
        var rows = KeyedRow.AllOf(batch, fitted, replays: null).ToList();
        var wanted = KeyedRow.FirstOfEach(rows);
        if (wanted.Count < rows.Count) return false;
        if (rows.Count == 0) return true;
        command = IdempotencyTable.ClaimAllOrFail(batch.Lane, wanted);
        return true;
    }

    /// <summary>The verdicts of all rows, once it is known which of those that were to be written were
    /// rejected.</summary>
    /// <param name="rejections">The rows that were to be written, and were not.</param>
    /// <param name="records">The commands that keep the rejections with the keys that were claimed, and settle the dead
    /// letters that were replayed.</param>
    /// <param name="merged">The rows that are answered with another one, whatever their keys.</param>
    public Exceptions Judge(
        ImmutableArray<RejectedRow> rejections,
        ImmutableArray<RepeatedRow> merged,
        out IEnumerable<NpgsqlBatchCommand> records)
    {
        var own = new RowVerdicts(new Exceptions(rejections, merged));
        var all = rejections.ToBuilder();
        var repeats = merged.ToBuilder();
        foreach (var row in repeating)
        {
            var holder = holders[row.Key];
            var rejection = holder.Digest != row.Digest ? Mismatch
                : holder.Place is { } place ? own.RejectionOf(place)
                : holder.Rejection;
            if (rejection is null) repeats.Add(new RepeatedRow(row.Gateway, row.Position, IdOf(holder)));
            else all.Add(new RejectedRow(row.Gateway, row.Position, rejection));
        }

        var written = new Exceptions(all.DrainToImmutable(), repeats.DrainToImmutable());
        var exceptions = replays?.Judge(written) ?? written;
        records = RecordsOf(own).Concat(replays?.Record(exceptions) ?? []);
        return exceptions;

        string IdOf(KeyHolder holder) =>
            holder.Place is { } place && own.RepeatedIdOf(place) is { } id ? id : holder.Id;
    }

    /// <summary>The commands that keep with the keys that were claimed what became of their rows.</summary>
    private List<NpgsqlBatchCommand> RecordsOf(RowVerdicts verdicts)
    {
        var ids = new List<(string, string)>();
        var rejections = new List<(string, Rejection)>();
        foreach (var (key, holder) in holders)
        {
            if (holder.Place is not { } place) continue;
            if (verdicts.RepeatedIdOf(place) is { } id) ids.Add((key, id));
            if (verdicts.RejectionOf(place) is { } rejection) rejections.Add((key, rejection));
        }

        NpgsqlBatchCommand?[] commands =
            [IdempotencyTable.RecordIds(lane, ids), IdempotencyTable.RecordRejections(lane, rejections)];
        return [.. commands.OfType<NpgsqlBatchCommand>()];
    }
}
