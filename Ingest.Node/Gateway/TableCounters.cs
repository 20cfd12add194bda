namespace Ingest.Node.Gateway;

/// <summary>One table's rows on this node, counted since its start. Thread-safe; what was received and has no end is
/// pending.</summary>
internal sealed class TableCounters
{
    private long received;
    private long committed;
    private long rejected;
    private long notWritten;
    private long repeated;
    private long accepted;

    public long Received => Interlocked.Read(ref received);

    public long Committed => Interlocked.Read(ref committed);

    public long Rejected => Interlocked.Read(ref rejected);

    public long NotWritten => Interlocked.Read(ref notWritten);

    /// <summary>Rows that repeat one that was committed before: they are not counted as received.</summary>
    public long Repeated => Interlocked.Read(ref repeated);

    /// <summary>Rows that are pending and in the journal.</summary>
    public long Accepted => Interlocked.Read(ref accepted);

    /// <summary>Rows were admitted.</summary>
    public void Receive(int rows) => Interlocked.Add(ref received, rows);

    /// <summary>Rows were received and refused before they were admitted.</summary>
    public void Refuse(int rows)
    {
        Interlocked.Add(ref received, rows);
        Interlocked.Add(ref rejected, rows);
    }

    public void Settle(SettledCounts counts)
    {
        if (counts.Committed > 0) Interlocked.Add(ref committed, counts.Committed);
        if (counts.Rejected > 0) Interlocked.Add(ref rejected, counts.Rejected);
        if (counts.NotWritten > 0) Interlocked.Add(ref notWritten, counts.NotWritten);
        if (counts.Accepted != 0) Interlocked.Add(ref accepted, counts.Accepted);
        if (counts.Repeated == 0) return;
        Interlocked.Add(ref repeated, counts.Repeated);
        Interlocked.Add(ref received, -counts.Repeated);
    }
}
