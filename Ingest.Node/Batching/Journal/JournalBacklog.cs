using Ingest.Messages;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching.Journal;

/// <summary>
/// What of a lane's journal is not settled, and where it is: events that the lane holds in memory, then events that it
/// has let go of and reads back when there is room. Pure.
/// <para>
/// Events settle in about the order in which they were written. An event is settled when the ledger has passed its last
/// position.
/// </para>
/// </summary>
internal sealed class JournalBacklog
{
    private readonly Queue<Entry> held = [];
    private long spilledBytes;

    /// <summary>The sequence number of the last event.</summary>
    public long Last { get; private set; }

    /// <summary>All events up to this one are in memory or settled; those behind it are spilled.</summary>
    public long HeldTo { get; private set; }

    /// <summary>All events up to this one are settled.</summary>
    public long SettledTo { get; private set; }

    /// <summary>Rows that are in the journal and not written.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes of the tuples that are in the journal and not written.</summary>
    public long Bytes { get; private set; }

    public bool IsSpilled => Last > HeldTo;

    /// <summary>The bytes of a spilled event, on average.</summary>
    public long SpilledSize => IsSpilled ? spilledBytes / (Last - HeldTo) : 0;

    /// <summary>Begins behind an event whose predecessors are all settled.</summary>
    public void Begin(long settledTo) => Last = HeldTo = SettledTo = settledTo;

    /// <summary>An event is in the journal.</summary>
    /// <param name="envelope">null for an event without rows.</param>
    /// <param name="isHeld">Its rows are in memory, or settled; only as long as nothing is spilled.</param>
    public void Add(long sequence, Envelope? envelope, bool isHeld)
    {
        Last = sequence;
        var entry = Entry.Of(sequence, envelope);
        Rows += entry.Rows;
        Bytes += entry.Bytes;
        if (isHeld) Hold(entry);
        else spilledBytes += entry.Bytes;
    }

    /// <summary>A spilled event is in memory again.</summary>
    public void ReadBack(long sequence, Envelope? envelope)
    {
        var entry = Entry.Of(sequence, envelope);
        spilledBytes -= entry.Bytes;
        Hold(entry);
    }

    /// <summary>Forgets the events that the ledger has passed.</summary>
    /// <param name="ledger">A gateway's position in the ledger.</param>
    public void Settle(Func<GatewayId, long> ledger)
    {
        while (held.TryPeek(out var first) && (first.LastPosition == 0 || ledger(first.Gateway) >= first.LastPosition))
        {
            held.Dequeue();
            Rows -= first.Rows;
            Bytes -= first.Bytes;
            SettledTo = first.Sequence;
        }
    }

    private void Hold(Entry entry)
    {
        HeldTo = entry.Sequence;
        held.Enqueue(entry);
    }

    private readonly record struct Entry(long Sequence, GatewayId Gateway, long LastPosition, int Rows, long Bytes)
    {
        public static Entry Of(long sequence, Envelope? envelope) => envelope is null
            ? new Entry(sequence, default, 0, 0, 0)
            : new Entry(
                sequence,
                envelope.Gateway,
                envelope.Last,
                envelope.IsSkip ? 0 : envelope.Count,
                envelope.BytesOf(0, envelope.IsSkip ? 0 : envelope.Count));
    }
}
