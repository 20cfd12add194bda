namespace Ingest.Bench.Load;

/// <summary>What an HTTP status says about a row.</summary>
public enum RowOutcome
{
    /// <summary>200, 201: the row is in the table.</summary>
    Committed,

    /// <summary>202: the row is journaled and will be in the table.</summary>
    Accepted,

    /// <summary>Another 4xx: the row is not in the table and never will be.</summary>
    Rejected,

    /// <summary>429, 503: the row was not written; it may be sent again.</summary>
    Refused,

    /// <summary>504, and any 5xx or status that promises nothing: the row may be there or not; never sent
    /// again.</summary>
    Unknown,

    /// <summary>The connection ended without an answer: the row may be there or not; never sent again.</summary>
    NoAnswer,
}

/// <summary>
/// Counts rows by outcome; safe for use from all connections at once. Once a load has ended, every row that was sent
/// has exactly one outcome: <c>sent = committed + accepted + rejected + not written + unknown + no answer</c>.
/// </summary>
public sealed class Tally
{
    private readonly long[] settled = new long[6];
    private long sent;
    private long retried;

    /// <summary>Rows that were sent at least once.</summary>
    public long Sent => Volatile.Read(ref sent);

    /// <summary>Times that a refused row was sent again.</summary>
    public long Retried => Volatile.Read(ref retried);

    public long Committed => Of(RowOutcome.Committed);

    public long Accepted => Of(RowOutcome.Accepted);

    public long Rejected => Of(RowOutcome.Rejected);

    /// <summary>Rows that were still refused when they were given up.</summary>
    public long NotWritten => Of(RowOutcome.Refused);

    public long Unknown => Of(RowOutcome.Unknown);

    public long NoAnswer => Of(RowOutcome.NoAnswer);

    /// <summary>Rows that have their outcome.</summary>
    public long Done => Committed + Accepted + Rejected + NotWritten + Unknown + NoAnswer;

    public static RowOutcome OutcomeOf(int status) => status switch
    {
        200 or 201 => RowOutcome.Committed,
        202 => RowOutcome.Accepted,
        429 or 503 => RowOutcome.Refused,
        >= 400 and < 500 => RowOutcome.Rejected,
        _ => RowOutcome.Unknown,
    };

    public void CountSent(int rows = 1) => Interlocked.Add(ref sent, rows);

    public void CountRetry() => Interlocked.Increment(ref retried);

    /// <summary>Gives <paramref name="rows"/> rows their outcome; <see cref="RowOutcome.Refused"/> gives them
    /// up.</summary>
    public void Settle(RowOutcome outcome, int rows = 1) => Interlocked.Add(ref settled[(int)outcome], rows);

    private long Of(RowOutcome outcome) => Volatile.Read(ref settled[(int)outcome]);
}
