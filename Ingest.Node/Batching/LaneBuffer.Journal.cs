using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Batching;

/// <summary>The rules for rows that the journal has: what of it is taken into memory, and what it has yet to
/// get.</summary>
internal sealed partial class LaneBuffer
{
    /// <summary>Takes an event of the journal into memory; what of it is known already is left out.</summary>
    public void TakeBack(Envelope envelope, DateTimeOffset now)
    {
        var cursor = CursorOf(envelope.Gateway);
        // A gateway whose ledger was purged long ago has no rows that wait for what it had settled then.
        if (cursor.Ledger == 0 && envelope.Base > cursor.Next) Pass(cursor, envelope.Base - 1);
        cursor.Away.Remove(envelope.First, envelope.Last);
        if (!envelope.IsSkip) cursor.Journaled.Add(envelope.First, envelope.Last);
        var first = Math.Max(envelope.First, cursor.Queued + 1);
        if (first > envelope.Last || cursor.Ahead.ContainsKey(first)) return;
        var endless = envelope with { Deadline = DateTimeOffset.MaxValue };
        var part = new BatchPart(
            endless, (int)(first - envelope.First), (int)(envelope.Last - first + 1), envelope.IsSkip);
        Line(cursor, part, now, envelope.Deadline);
    }

    /// <summary>An event of the journal is known and stays there until it is its turn.</summary>
    public void Leave(Envelope envelope)
    {
        var cursor = CursorOf(envelope.Gateway);
        if (cursor.Ledger == 0 && envelope.Base > cursor.Next) Pass(cursor, envelope.Base - 1);
        if (envelope.Last <= cursor.Queued) return;
        var first = Math.Max(envelope.First, cursor.Queued + 1);
        cursor.Away.Add(first, envelope.Last);
        if (!envelope.IsSkip) cursor.Journaled.Add(first, envelope.Last);
    }

    /// <summary>The journal has these rows now.</summary>
    public void Confirm(Envelope envelope)
    {
        var cursor = CursorOf(envelope.Gateway);
        if (envelope.Last > cursor.Ledger)
            cursor.Journaled.Add(Math.Max(envelope.First, cursor.Ledger + 1), envelope.Last);
    }

    /// <summary>The positions of a gateway that are in the journal and not yet settled, the newest ranges
    /// last.</summary>
    public IEnumerable<(long First, long Last)> Journaled(GatewayId gateway) => CursorOf(gateway).Journaled.Ranges;

    /// <summary>True while rows wait for positions that neither the lane nor the journal has.</summary>
    public bool HasGaps => cursors.Values.Any(cursor =>
        cursor.Ahead.Count > 0 && cursor.Ahead.GetKeyAtIndex(cursor.Ahead.Count - 1) > cursor.Next);

    /// <summary>
    /// Skips, for the journal, of positions that journaled rows wait for and that nobody can send in time any more:
    /// rows of a gateway that is gone, or that were given up on. The deadlines of a gateway's rows are in the order of
    /// their positions, and a skip in the journal shows that those before it are past theirs. Each gap is skipped once.
    /// </summary>
    public List<Envelope> SkipLastingGaps(DateTimeOffset now)
    {
        var skips = new List<Envelope>();
        foreach (var (gateway, cursor) in cursors)
        {
            if (cursor.Ahead.Count == 0) continue;
            var next = cursor.Next;
            var behind = cursor.Ahead.FirstOrDefault(ahead => ahead.Key > next);
            if (behind.Key == 0 || cursor.GapSkipped == next) continue;
            if (!behind.Value.Part.Skipped && behind.Value.SentUntil > now) continue;
            cursor.GapSkipped = next;
            var count = (int)(cursor.FirstKnownFrom(next)!.Value - next);
            // Its base is what the ledger has: what lies between is known here, and yet to be written.
            skips.Add(new Envelope(lane, gateway, next, count, cursor.Ledger + 1, DateTimeOffset.MaxValue, []));
        }

        return skips;
    }

    /// <summary>Accepted rows that the journal has not been asked to take; from now on they have no deadline.</summary>
    public List<Envelope> TakeUnjournaled(DateTimeOffset now)
    {
        var envelopes = new List<Envelope>();
        // The journal takes whole envelopes: one whose rows are out in part has to wait, since these may come back.
        if (Mortal == 0 || isUnjournaledOut) return envelopes;
        for (var node = waiting.First; node is not null; node = node.Next)
            if (Endless(node.Value.Part) is { } endless) node.Value = (endless, node.Value.Since);
        foreach (var cursor in cursors.Values)
            foreach (var (first, ahead) in cursor.Ahead.ToArray())
                if (Endless(ahead.Part) is { } endless) cursor.Ahead[first] = ahead with { Part = endless };
        return envelopes;

        BatchPart? Endless(BatchPart part)
        {
            var envelope = part.Envelope;
            if (part.Skipped || envelope.Acknowledge != Acknowledge.Accepted || envelope.Deadline <= now
                || envelope.Deadline == DateTimeOffset.MaxValue) return null;
            if (envelopes.Count == 0 || !ReferenceEquals(envelopes[^1], envelope)) envelopes.Add(envelope);
            Mortal -= part.Count;
            return part with { Envelope = envelope with { Deadline = DateTimeOffset.MaxValue } };
        }
    }
}
