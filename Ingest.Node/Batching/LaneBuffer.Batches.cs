using System.Collections.Immutable;
using Ingest.Messages;

namespace Ingest.Node.Batching;

/// <summary>The rules for batches: when one is due, what goes into it, and what becomes of it.</summary>
internal sealed partial class LaneBuffer
{
    private long bytesOut;
    private bool isUnjournaledOut;
    private DateTimeOffset? oldestOut;
    private bool isPutBack;
    private long lastBatchId;

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
            isUnjournaledOut |= taken.Envelope.Acknowledge == Acknowledge.Accepted
                && taken.Envelope.Deadline != DateTimeOffset.MaxValue;
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
        isUnjournaledOut = false;
        oldestOut = null;
        foreach (var move in batch.Moves)
        {
            cursors[move.Gateway].Ledger = move.To;
            cursors[move.Gateway].Journaled.Remove(0, move.To);
        }
    }

    /// <summary>Puts the batch that is out back to the front, in its order; it is due at once.</summary>
    public void PutBack(Batch batch)
    {
        var since = oldestOut ?? DateTimeOffset.MinValue;
        bytesOut = 0;
        isUnjournaledOut = false;
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
}
