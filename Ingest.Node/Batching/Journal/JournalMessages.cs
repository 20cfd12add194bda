using static Ingest.Messages.WriterProtocol;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching.Journal;

/// <summary>The protocol between a lane and the child that keeps its journal.</summary>
internal static class JournalMessages
{
    /// <summary>
    /// Reads the journal from what is settled on; answered by a <see cref="Replayed"/> for each event, then by
    /// <see cref="Opened"/>. Whatever was under way is forgotten.
    /// </summary>
    /// <param name="Generation">Comes back with all answers, so that those to an earlier request are told
    /// apart.</param>
    public sealed record Open(int Generation, JournalMark Mark);

    /// <summary>Writes an envelope; answered by <see cref="Persisted"/>, in order, however long it takes.</summary>
    public sealed record Persist(Envelope Envelope);

    /// <summary>Reads events once more; answered by a <see cref="Replayed"/> for each, then by
    /// <see cref="ReadBackDone"/>.</summary>
    public sealed record ReadBack(long From, long To, int Max);

    /// <summary>Removes events; nobody waits for it.</summary>
    public sealed record Delete(long To);

    public abstract record Answer(int Generation);

    /// <param name="Envelope">null for an event without rows.</param>
    public sealed record Replayed(int Generation, long Sequence, Envelope? Envelope) : Answer(Generation);

    /// <summary>The journal is open: what is written from now on follows <paramref name="Last"/>, and no older
    /// incarnation can write any more.</summary>
    public sealed record Opened(int Generation, long Last) : Answer(Generation);

    public sealed record Persisted(int Generation, long Sequence, Envelope Envelope) : Answer(Generation);

    /// <param name="IsComplete">False where the journal could not be read: ask again.</param>
    public sealed record ReadBackDone(int Generation, bool IsComplete) : Answer(Generation);

    /// <summary>The journal cannot be read or written now, and is tried again.</summary>
    public sealed record Waiting(int Generation, string Reason) : Answer(Generation);

    /// <summary>Another incarnation has written to the journal: start afresh.</summary>
    public sealed record Overtaken(int Generation) : Answer(Generation);

    /// <summary>The journal is not what was written. Nothing is done any more before it is opened again.</summary>
    /// <param name="Sequence">The event that is missing or cannot be read.</param>
    public sealed record Damaged(int Generation, long Sequence, string Reason) : Answer(Generation);
}
