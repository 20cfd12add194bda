using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>
/// Feels whether one table is served through one node: when it was last, the longest pause since a fault, and when it
/// was for the first time for a row that was sent after the fault. Timestamps are those of the run's time provider.
/// </summary>
internal sealed class Pulse(NodeProcess node, string table)
{
    private readonly Lock @lock = new();
    private long mark;
    private long lastBeat;
    private long longestGap;

    public NodeProcess Node => node;

    public string Table => table;

    /// <summary>Rows were committed through this node at all.</summary>
    public bool HasBeaten { get; private set; }

    /// <summary>When a row that was sent after the mark of recovery was first committed; 0 where none was.</summary>
    public long ResumedAt { get; private set; }

    /// <summary>A fault begins: pauses count from here.</summary>
    public void MarkFault(long now)
    {
        lock (@lock)
        {
            lastBeat = now;
            longestGap = 0;
        }

        MarkRecovery(now);
    }

    /// <summary>Nothing keeps the service from resuming any more, as far as it is not its own affair.</summary>
    public void MarkRecovery(long now)
    {
        lock (@lock)
        {
            mark = now;
            ResumedAt = 0;
        }
    }

    /// <summary>A row was committed.</summary>
    public void Beat(long sentAt, long now)
    {
        lock (@lock)
        {
            HasBeaten = true;
            longestGap = Math.Max(longestGap, now - lastBeat);
            lastBeat = now;
            if (mark != 0 && sentAt >= mark && ResumedAt == 0) ResumedAt = now;
        }
    }

    /// <summary>The node is not there: nobody waits for this table through it.</summary>
    public void Absent(long now)
    {
        lock (@lock) lastBeat = now;
    }

    /// <summary>The longest time since the fault in which nothing was committed, the present pause included.</summary>
    public long LongestGap(long now)
    {
        lock (@lock) return Math.Max(longestGap, now - lastBeat);
    }
}
