using System.Collections.Immutable;
using Ingest.Messages;

namespace Ingest.Node.Batching;

/// <summary>The rules for rows that are given up on: their bytes go, their positions stay.</summary>
internal sealed partial class LaneBuffer
{
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
                part = Skip(part);
                current.Value = (part, since);
            }

            // An outage leaves as many skipped envelopes as there were; neighbours of one gateway become one.
            if (TryExtend(skips.GetValueOrDefault(part.Envelope.Gateway), part)) waiting.Remove(current);
            else skips[part.Envelope.Gateway] = current;
        }

        foreach (var cursor in cursors.Values)
            if (cursor.Ahead.Count > 0)
                ExpireAhead(cursor, now, expired ??= ImmutableArray.CreateBuilder<PositionRange>());
        return expired?.ToImmutable() ?? [];
    }

    private void ExpireAhead(GatewayCursor cursor, DateTimeOffset now, ImmutableArray<PositionRange>.Builder expired)
    {
        foreach (var (first, ahead) in cursor.Ahead.ToArray())
        {
            if (ahead.Part.Skipped || ahead.Part.Envelope.Deadline > now) continue;
            CountAhead(ahead.Part, -1);
            expired.Add(ahead.Part.Range);
            cursor.Ahead[first] = ahead with { Part = Skip(ahead.Part) };
        }
    }

    private static BatchPart Skip(BatchPart part) => part with
    {
        Envelope = part.Envelope with { Runs = [], Keys = [], Traces = [], Acknowledge = Acknowledge.Committed },
        Skipped = true,
    };

    /// <summary>Lets skipped positions of the same gateway that end just before a skipped part take it in.</summary>
    private static bool TryExtend(LinkedListNode<(BatchPart Part, DateTimeOffset Since)>? node, BatchPart part)
    {
        if (node is not { Value: ({ Skipped: true } before, var since) }
            || before.Envelope.Gateway != part.Envelope.Gateway || before.Last + 1 != part.First) return false;
        var all = before.Envelope with { First = before.First, Count = before.Count + part.Count };
        node.Value = (new BatchPart(all, 0, all.Count, Skipped: true), since);
        return true;
    }
}
