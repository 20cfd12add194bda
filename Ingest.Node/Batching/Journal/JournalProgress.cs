namespace Ingest.Node.Batching.Journal;

/// <summary>
/// How far a lane has told the database that its journal is settled, and what may be removed therefore. Pure; all times
/// are handed in.
/// </summary>
/// <param name="marked">The event up to which it is settled, as the database has it.</param>
/// <param name="keepFor">How long an event stays at least after it is settled.</param>
internal sealed class JournalProgress(long marked, TimeSpan keepFor)
{
    private static readonly TimeSpan MarkEvery = TimeSpan.FromSeconds(2);

    private readonly Queue<(long Settled, DateTimeOffset At)> marks = [];
    private long marked = marked;
    private DateTimeOffset askedAt;
    private bool isAsking;

    /// <summary>Whether the database is to be told now.</summary>
    public bool TryBegin(long settledTo, DateTimeOffset now)
    {
        if (isAsking || settledTo <= marked || now - askedAt < MarkEvery) return false;
        isAsking = true;
        askedAt = now;
        return true;
    }

    /// <summary>The database has it.</summary>
    public void Confirm(long settled, DateTimeOffset now)
    {
        isAsking = false;
        marked = settled;
        marks.Enqueue((settled, now));
    }

    /// <summary>The database could not be told.</summary>
    public void Fail() => isAsking = false;

    /// <summary>The event up to which all may be removed; null where there is nothing new. That of a mark itself stays:
    /// it shows that the journal is the one that was marked.</summary>
    public long? TakeRemovable(DateTimeOffset now)
    {
        long? settled = null;
        while (marks.TryPeek(out var mark) && mark.At + keepFor <= now) settled = marks.Dequeue().Settled;
        return settled > 1 ? settled - 1 : null;
    }
}
