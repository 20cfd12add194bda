using System.Collections.Immutable;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Batching;

/// <summary>What a lane does with an envelope.</summary>
internal enum Offer
{
    /// <summary>Its rows wait in the buffer, but for those that were seen before.</summary>
    Accepted,

    /// <summary>All of its positions were seen before; those that wait here are answered when they are
    /// written.</summary>
    Seen,

    /// <summary>Positions before it are missing: ask for them.</summary>
    Gap,

    /// <summary>The buffer is full.</summary>
    Full,
}

/// <summary>
/// The rules of a lane, without actors and without a database: which rows are taken, in what order, and when and how
/// many of them make a batch. All times are handed in. At most one batch is out at a time: taken, and neither committed
/// nor put back.
/// </summary>
internal sealed class LaneBuffer(LaneId lane, BatchingOptions options)
{
    private readonly Dictionary<GatewayId, Cursor> cursors = [];
    private readonly LinkedList<(BatchPart Part, DateTimeOffset Since)> waiting = [];
    private long bytesOut;
    private DateTimeOffset? oldestOut;
    private bool isPutBack;
    private long lastBatchId;

    /// <summary>Rows that wait, not counting those of a batch that is out.</summary>
    public int Rows { get; private set; }

    /// <summary>Bytes of the rows that wait.</summary>
    public long Bytes { get; private set; }

    public bool IsEmpty => waiting.Count == 0;

    /// <summary>Bytes of the rows that wait and of a batch that is out.</summary>
    public long BytesHeld => Bytes + bytesOut;

    /// <summary>When the oldest row came that is not written, be it waiting or out; null where there is none.</summary>
    public DateTimeOffset? Oldest => oldestOut ?? (Rows > 0 ? waiting.First!.Value.Since : null);

    /// <summary>The position that the lane expects next from a gateway.</summary>
    public long Next(GatewayId gateway) => CursorOf(gateway).Next;

    /// <summary>The position up to which the ledger has a gateway's rows settled, as far as the lane knows.</summary>
    public long Settled(GatewayId gateway) => CursorOf(gateway).Ledger;

    /// <summary>Takes over what the ledger says, before anything is offered.</summary>
    public void Recover(GatewayId gateway, long position) =>
        cursors[gateway] = new Cursor { Ledger = position, Next = position + 1 };

    /// <summary>Takes the rows of an envelope that are next in line; their age counts from
    /// <paramref name="now"/>.</summary>
    public Offer Offer(Envelope envelope, DateTimeOffset now)
    {
        var cursor = CursorOf(envelope.Gateway);
        // What the gateway has settled otherwise it will not send: a lane that waited for it would wait for ever.
        cursor.Next = Math.Max(cursor.Next, envelope.Base);
        if (envelope.Last < cursor.Next) return Batching.Offer.Seen;
        if (envelope.First > cursor.Next) return Batching.Offer.Gap;

        var offset = (int)(cursor.Next - envelope.First);
        var part = new BatchPart(envelope, offset, envelope.Count - offset, envelope.IsSkip);
        // An empty lane takes any envelope, so that one row larger than the limit cannot block it.
        if (BytesHeld > 0 && BytesHeld + part.Bytes > options.BufferBytes) return Batching.Offer.Full;
        cursor.Next = envelope.Last + 1;
        if (!part.Skipped || !TryExtend(waiting.Last, part)) waiting.AddLast((part, now));
        Count(part, 1);
        return Batching.Offer.Accepted;
    }

    /// <summary>Whether a batch is due, and if so why.</summary>
    public FlushCause? Due(DateTimeOffset now, bool draining)
    {
        if (IsEmpty) return null;
        if (Rows >= options.FlushEvery) return FlushCause.Count;
        if (Bytes >= options.FlushBytes) return FlushCause.Bytes;
        if (draining) return FlushCause.Drain;
        return DueIn(now) <= TimeSpan.Zero ? FlushCause.Age : null;
    }

    /// <summary>How long until the oldest row is due; the buffer is not empty.</summary>
    public TimeSpan DueIn(DateTimeOffset now) =>
        isPutBack ? TimeSpan.Zero : waiting.First!.Value.Since + options.FlushInterval - now;

    /// <summary>
    /// Gives up on the rows whose deadline has passed. Their bytes are let go; their positions stay in line, so that
    /// the ledger moves over them.
    /// </summary>
    /// <returns>The positions that were given up on, to be answered as not written.</returns>
    public ImmutableArray<PositionRange> Expire(DateTimeOffset now)
    {
        ImmutableArray<PositionRange>.Builder? expired = null;
        var skips = new Dictionary<GatewayId, LinkedListNode<(BatchPart Part, DateTimeOffset Since)>>();
        for (var node = waiting.First; node is not null;)
        {
            var (current, next) = (node, node.Next);
            node = next;
            var (part, since) = current.Value;
            if (!part.Skipped)
            {
                if (part.Envelope.Deadline > now) continue;
                Count(part, -1);
                (expired ??= ImmutableArray.CreateBuilder<PositionRange>()).Add(part.Range);
                part = part with { Envelope = part.Envelope with { Runs = [], Keys = [], Traces = [] }, Skipped = true };
                current.Value = (part, since);
            }

            // An outage leaves as many skipped envelopes as there were; neighbours of one gateway become one.
            if (TryExtend(skips.GetValueOrDefault(part.Envelope.Gateway), part)) waiting.Remove(current);
            else skips[part.Envelope.Gateway] = current;
        }

        return expired?.ToImmutable() ?? [];
    }

    /// <summary>Lets skipped positions of the same gateway that end just before a skipped part take it in.</summary>
    private static bool TryExtend(LinkedListNode<(BatchPart Part, DateTimeOffset Since)>? node, BatchPart part)
    {
        if (node is not { Value: ({ Skipped: true } before, var since) }
            || before.Envelope.Gateway != part.Envelope.Gateway || before.Last + 1 != part.First) return false;
        var all = before.Envelope with { First = before.First, Count = before.Count + part.Count };
        node.Value = (new BatchPart(all, 0, all.Count, Skipped: true), since);
        return true;
    }

    /// <summary>
    /// Takes the next batch from the front: at most <c>flush-every</c> rows and <c>flush-bytes</c> bytes, but for a
    /// single row that alone is larger. The buffer is not empty.
    /// </summary>
    public Batch Take(FlushCause cause)
    {
        var parts = ImmutableArray.CreateBuilder<BatchPart>();
        var ends = new Dictionary<GatewayId, long>();
        var deadline = DateTimeOffset.MaxValue;
        var rows = 0;
        long bytes = 0;
        isPutBack = false;
        while (waiting.First is { Value: var (part, since) })
        {
            var fitting = part.Skipped
                ? part.Count
                : Fitting(part, options.FlushEvery - rows, options.FlushBytes - bytes, isFirst: rows == 0);
            if (fitting == 0) break;
            var taken = part with { Count = fitting };
            waiting.RemoveFirst();
            if (fitting < part.Count)
                waiting.AddFirst((part with { Offset = part.Offset + fitting, Count = part.Count - fitting }, since));

            parts.Add(taken);
            ends[taken.Envelope.Gateway] = taken.Last;
            if (taken.Skipped) continue;
            Count(taken, -1);
            oldestOut ??= since;
            rows += fitting;
            bytes += taken.Bytes;
            if (taken.Envelope.Deadline < deadline) deadline = taken.Envelope.Deadline;
        }

        bytesOut = bytes;
        // Sorted, so that two incarnations of a lane take the ledger's row locks in one order and cannot deadlock.
        var moves = ends.Select(end => new LedgerMove(end.Key, cursors[end.Key].Ledger, end.Value))
            .OrderBy(move => move.Gateway.Value).ToImmutableArray();
        return new Batch(++lastBatchId, lane, parts.DrainToImmutable(), moves, deadline, cause);
    }

    /// <summary>The batch that is out is in the ledger.</summary>
    public void Commit(Batch batch)
    {
        bytesOut = 0;
        oldestOut = null;
        foreach (var move in batch.Moves) cursors[move.Gateway].Ledger = move.To;
    }

    /// <summary>Puts the batch that is out back to the front, in its order; it is due at once.</summary>
    public void PutBack(Batch batch)
    {
        var since = oldestOut ?? DateTimeOffset.MinValue;
        bytesOut = 0;
        oldestOut = null;
        isPutBack = true;
        for (var i = batch.Parts.Length - 1; i >= 0; i--)
        {
            waiting.AddFirst((batch.Parts[i], since));
            Count(batch.Parts[i], 1);
        }
    }

    private static int Fitting(BatchPart part, int rows, long bytes, bool isFirst)
    {
        var count = Math.Min(part.Count, rows);
        if (count <= 0) return 0;
        if (part.Envelope.BytesOf(part.Offset, count) <= bytes) return count;
        var fitting = 0;
        long used = 0;
        while (fitting < count && (used += part.Envelope.BytesOf(part.Offset + fitting, 1)) <= bytes) fitting++;
        return fitting == 0 && isFirst ? 1 : fitting;
    }

    private Cursor CursorOf(GatewayId gateway)
    {
        if (!cursors.TryGetValue(gateway, out var cursor))
            cursors[gateway] = cursor = new Cursor { Ledger = 0, Next = 1 };
        return cursor;
    }

    private void Count(BatchPart part, int sign)
    {
        if (part.Skipped) return;
        Rows += sign * part.Count;
        Bytes += sign * part.Bytes;
    }

    /// <summary>How far a gateway's rows have come in this lane.</summary>
    private sealed class Cursor
    {
        /// <summary>What the ledger says, as far as this incarnation knows.</summary>
        public required long Ledger { get; set; }

        /// <summary>The position that is accepted next.</summary>
        public required long Next { get; set; }
    }
}
