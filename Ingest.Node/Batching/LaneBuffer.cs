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

    /// <summary>The gateway was told that these rows are in the journal, and the lane knows nothing of them.</summary>
    Missing,
}

/// <summary>
/// The rules of a lane, without actors and without a database: which rows are taken, in what order, and when and how
/// many of them make a batch. All times are handed in. At most one batch is out at a time: taken, and neither committed
/// nor put back.
/// </summary>
internal sealed partial class LaneBuffer(LaneId lane, BatchingOptions options)
{
    private readonly Dictionary<GatewayId, GatewayCursor> cursors = [];
    private readonly LinkedList<(BatchPart Part, DateTimeOffset Since)> waiting = [];
    private long bytesAhead;

    /// <summary>Rows that wait, not counting those of a batch that is out.</summary>
    public int Rows { get; private set; }

    /// <summary>Bytes of the rows that wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>Rows that wait, here or behind others, and have a deadline: nobody else keeps them.</summary>
    public int Mortal { get; private set; }

    public bool IsEmpty => waiting.Count == 0;

    /// <summary>Bytes of the rows that wait and of a batch that is out.</summary>
    public long BytesHeld => BytesInLine + bytesAhead;

    /// <summary>The same without those that cannot be written yet, since something before them is missing or
    /// away.</summary>
    public long BytesInLine => Bytes + bytesOut;

    /// <summary>When the oldest row came that is not written, be it waiting or out; null where there is none.</summary>
    public DateTimeOffset? Oldest => oldestOut ?? (Rows > 0 ? waiting.First!.Value.Since : null);

    /// <summary>The position that the lane expects next from a gateway.</summary>
    public long Next(GatewayId gateway) => CursorOf(gateway).Next;

    /// <summary>The position up to which the ledger has a gateway's rows settled, as far as the lane knows.</summary>
    public long Settled(GatewayId gateway) => CursorOf(gateway).Ledger;

    /// <summary>True where the lane has, or the journal has, every position of a range.</summary>
    public bool Knows(PositionRange range) => CursorOf(range.Gateway).Knows(range.First, range.Last);

    /// <summary>Takes over what the ledger says, before anything is offered.</summary>
    public void Recover(GatewayId gateway, long position) =>
        cursors[gateway] = new GatewayCursor(position);

    /// <summary>Takes the rows of an envelope that are next in line; their age counts from
    /// <paramref name="now"/>.</summary>
    /// <param name="isAway">The rows are for the journal alone: they are read back from there when it is their
    /// turn.</param>
    public Offer Offer(Envelope envelope, DateTimeOffset now, bool isAway = false)
    {
        var cursor = CursorOf(envelope.Gateway);
        // What the gateway has settled otherwise it will not send: a lane that waited for it would wait for ever.
        if (envelope.Base > cursor.Next) Pass(cursor, envelope.Base - 1);
        if (envelope.Last < cursor.Next) return Batching.Offer.Seen;
        if (envelope.IsReminder)
            return cursor.Knows(envelope.First, envelope.Last) ? Batching.Offer.Seen : Batching.Offer.Missing;
        if (envelope.First > cursor.Next) return Batching.Offer.Gap;

        var offset = (int)(cursor.Next - envelope.First);
        var last = Math.Min(envelope.Last, (cursor.FirstKnownFrom(cursor.Next) ?? long.MaxValue) - 1);
        var part = new BatchPart(envelope, offset, (int)(last - cursor.Next + 1), envelope.IsSkip);
        // An empty lane takes any envelope, so that one row larger than the limit cannot block it.
        if (!isAway && BytesHeld > 0 && BytesHeld + part.Bytes > options.BufferBytes) return Batching.Offer.Full;
        if (isAway) cursor.Away.Add(part.First, part.Last);
        else Line(cursor, part, now, envelope.Deadline);
        return Batching.Offer.Accepted;
    }

    /// <summary>Puts a part in line, or, where something before it is missing or away, aside.</summary>
    private void Line(GatewayCursor cursor, BatchPart part, DateTimeOffset since, DateTimeOffset sentUntil)
    {
        if (part.First > cursor.Queued + 1)
        {
            cursor.Ahead[part.First] = new AheadPart(part, since, sentUntil);
            CountAhead(part, 1);
            return;
        }

        Enqueue(cursor, part, since);
        Advance(cursor);
    }

    /// <summary>Puts in line what is not held up any more.</summary>
    private void Advance(GatewayCursor cursor)
    {
        while (cursor.Ahead.Count > 0 && cursor.Ahead.GetKeyAtIndex(0) <= cursor.Queued + 1)
        {
            var next = cursor.Ahead.GetValueAtIndex(0);
            cursor.Ahead.RemoveAt(0);
            CountAhead(next.Part, -1);
            var seen = (int)(cursor.Queued + 1 - next.Part.First);
            if (seen >= next.Part.Count) continue;
            var rest = next.Part with { Offset = next.Part.Offset + seen, Count = next.Part.Count - seen };
            Enqueue(cursor, rest, next.Since);
        }
    }

    private void Enqueue(GatewayCursor cursor, BatchPart part, DateTimeOffset since)
    {
        if (!part.Skipped || !TryExtend(waiting.Last, part)) waiting.AddLast((part, since));
        cursor.Queued = part.Last;
        Count(part, 1);
    }

    /// <summary>Everything of a gateway up to a position is settled.</summary>
    private void Pass(GatewayCursor cursor, long position)
    {
        if (position <= cursor.Queued) return;
        // Of what begins before and ends behind it the rest is put in line, below.
        while (cursor.Ahead.Count > 0 && cursor.Ahead.GetValueAtIndex(0).Part.Last <= position)
        {
            CountAhead(cursor.Ahead.GetValueAtIndex(0).Part, -1);
            cursor.Ahead.RemoveAt(0);
        }

        cursor.Away.Remove(0, position);
        cursor.Queued = position;
        Advance(cursor);
    }

    private GatewayCursor CursorOf(GatewayId gateway)
    {
        if (!cursors.TryGetValue(gateway, out var cursor)) cursors[gateway] = cursor = new GatewayCursor();
        return cursor;
    }

    private void Count(BatchPart part, int sign)
    {
        if (part.Skipped) return;
        Rows += sign * part.Count;
        Bytes += sign * part.Bytes;
        CountMortal(part, sign);
    }

    private void CountAhead(BatchPart part, int sign)
    {
        if (part.Skipped) return;
        bytesAhead += sign * part.Bytes;
        CountMortal(part, sign);
    }

    private void CountMortal(BatchPart part, int sign)
    {
        if (part.Envelope.Deadline != DateTimeOffset.MaxValue) Mortal += sign * part.Count;
    }
}
