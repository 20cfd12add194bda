using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching.Journal;

/// <summary>
/// The envelopes that one incarnation of a lane has for its journal: those that wait, and those that were sent and are
/// not confirmed. Numbers them, and tells own events from others' when the journal is read after a failure. Pure.
/// </summary>
internal sealed class JournalQueue
{
    private const int MaxEventsAtOnce = 64;
    private const long MaxBytesAtOnce = 8 << 20;

    private readonly Queue<Envelope> waiting = [];
    private readonly Queue<Envelope> underWay = [];

    /// <summary>The last event of the journal, as far as the lane knows.</summary>
    public long Last { get; private set; }

    /// <summary>True while something was sent that is not confirmed.</summary>
    public bool IsUnderWay => underWay.Count > 0;

    /// <summary>True where something waits and may be sent.</summary>
    public bool IsReady => underWay.Count == 0 && waiting.Count > 0;

    /// <summary>Of what is under way, the events that were found in the journal since
    /// <see cref="BeginReading"/>.</summary>
    public int Found { get; private set; }

    /// <summary>An event was found that this incarnation has not written.</summary>
    public bool IsOvertaken { get; private set; }

    /// <summary>Forgets what waits and what is under way.</summary>
    public void Clear()
    {
        waiting.Clear();
        underWay.Clear();
    }

    /// <summary>The journal was read up to an event.</summary>
    public void Begin(long last) => Last = last;

    /// <summary>The event that opens the journal is in it.</summary>
    /// <returns>Its number.</returns>
    public long ConfirmOpening() => ++Last;

    public void Add(Envelope envelope) => waiting.Enqueue(envelope);

    /// <summary>Takes what is to be sent next, with its numbers: as much as one write may have.</summary>
    public IReadOnlyList<(long Sequence, Envelope Envelope)> TakeNext()
    {
        var taken = new List<(long, Envelope)>();
        long bytes = 0;
        while (taken.Count < MaxEventsAtOnce && bytes < MaxBytesAtOnce && waiting.TryDequeue(out var envelope))
        {
            underWay.Enqueue(envelope);
            bytes += envelope.BytesOf(0, envelope.Runs.IsEmpty ? 0 : envelope.Count);
            taken.Add((Last + underWay.Count, envelope));
        }

        return taken;
    }

    /// <summary>The first event that is under way is in the journal.</summary>
    public (long Sequence, Envelope Envelope) Confirm() => (++Last, underWay.Dequeue());

    /// <summary>What is behind <see cref="Last"/> is read: a write has failed, and may have been done after
    /// all.</summary>
    public void BeginReading()
    {
        Found = 0;
        IsOvertaken = false;
    }

    /// <summary>An event was read. It is the next one that is under way, or else another incarnation's.</summary>
    /// <param name="envelope">null where the event has none.</param>
    public void Read(long sequence, Envelope? envelope)
    {
        var own = underWay.ElementAtOrDefault(Found);
        IsOvertaken |= sequence != Last + 1 + Found || own is null || !IsSame(own, envelope);
        if (!IsOvertaken) Found++;
    }

    /// <summary>What is under way was not written: it waits again, before the others.</summary>
    public void PutBack()
    {
        var others = waiting.ToArray();
        waiting.Clear();
        foreach (var envelope in underWay.Concat(others)) waiting.Enqueue(envelope);
        underWay.Clear();
    }

    private static bool IsSame(Envelope own, Envelope? read) =>
        read is not null && own.Gateway == read.Gateway && own.First == read.First && own.Count == read.Count;
}
