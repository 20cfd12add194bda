using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>One table's rows on this node, counted since its start: what the accounting and the metrics both tell.
/// Thread-safe; what was received and has no end is pending.</summary>
internal sealed class TableCounters
{
    private readonly long[] rejected = new long[RejectionReasons.All.Length];
    private long received;
    private long committed;
    private long notWritten;
    private long unknown;
    private long repeated;
    private long accepted;

    public long Received => Interlocked.Read(ref received);

    public long Committed => Interlocked.Read(ref committed);

    public long Rejected
    {
        get
        {
            long sum = 0;
            foreach (var reason in RejectionReasons.All) sum += RejectedFor(reason);
            return sum;
        }
    }

    public long NotWritten => Interlocked.Read(ref notWritten);

    /// <summary>Rows of which this node will never know what became of them: the gateway that kept them is
    /// gone.</summary>
    public long Unknown => Interlocked.Read(ref unknown);

    /// <summary>Rows that repeat one that was committed before: they are not counted as received.</summary>
    public long Repeated => Interlocked.Read(ref repeated);

    /// <summary>How many of the pending rows are accepted: in the journal, and not yet written.</summary>
    public long Accepted => Interlocked.Read(ref accepted);

    /// <summary>Rows that were received and have no end yet.</summary>
    public long Pending
    {
        get
        {
            // Ends are read before beginnings, so that this is never negative.
            var ended = Committed + Rejected + NotWritten + Unknown;
            return Received - ended;
        }
    }

    public long RejectedFor(RejectionReason reason) => Interlocked.Read(ref rejected[(int)reason]);

    /// <summary>Rows were admitted.</summary>
    public void Receive(int rows) => Interlocked.Add(ref received, rows);

    /// <summary>Rows were received and refused before they were admitted.</summary>
    public void Refuse(int rows)
    {
        Interlocked.Add(ref received, rows);
        Interlocked.Add(ref rejected[(int)RejectionReason.Invalid], rows);
    }

    /// <summary>Rows have come to their end; rejected ones are counted one by one, by
    /// <see cref="Reject"/>.</summary>
    public void Settle(int committedRows, int notWrittenRows, int repeatedRows)
    {
        if (committedRows > 0) Interlocked.Add(ref committed, committedRows);
        if (notWrittenRows > 0) Interlocked.Add(ref notWritten, notWrittenRows);
        if (repeatedRows == 0) return;
        Interlocked.Add(ref repeated, repeatedRows);
        Interlocked.Add(ref received, -repeatedRows);
    }

    /// <summary>Rows came into the journal, or, where negative, were written from there.</summary>
    public void Accept(int rows)
    {
        if (rows != 0) Interlocked.Add(ref accepted, rows);
    }

    /// <summary>PostgreSQL refused a row.</summary>
    public void Reject(Rejection rejection) =>
        Interlocked.Increment(ref rejected[(int)RejectionReasons.Of(rejection.SqlState)]);

    /// <summary>The gateway that kept these rows is gone.</summary>
    public void Forget(int rows) => Interlocked.Add(ref unknown, rows);
}
