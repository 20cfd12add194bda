namespace Ingest.Messages;

/// <summary>What became of a row.</summary>
public enum VerdictKind : byte
{
    /// <summary>There is no verdict yet.</summary>
    Pending = 0,

    /// <summary>The row is in the table.</summary>
    Committed = 1,

    /// <summary>PostgreSQL refused the row; it is not in the table and never will be.</summary>
    Rejected = 2,

    /// <summary>The row is not in the table and will not be written; the caller may send it again.</summary>
    NotWritten = 3,

    /// <summary>
    /// Nobody can tell before the deadline whether the row was written: a commit was under way and its outcome could
    /// not be read. Sending it again may write it twice, unless it carries an idempotency key.
    /// </summary>
    Unknown = 4,

    /// <summary>The row is in the journal and will be written, whatever happens; its receipt tells the rest.</summary>
    Accepted = 5,

    /// <summary>
    /// The row is not in the table and will not be written, since its lane's journal holds as much as it may: the
    /// caller may send it again later.
    /// </summary>
    Overloaded = 6,
}

/// <summary>One row's verdict.</summary>
/// <param name="Rejection">There when, and only when, the row was rejected.</param>
/// <param name="RepeatedId">The id, as JSON, of the committed row that this one repeats; null for a row of its
/// own.</param>
public readonly record struct Verdict(VerdictKind Kind, Rejection? Rejection = null, string? RepeatedId = null)
{
    public static Verdict Committed => new(VerdictKind.Committed);

    public static Verdict Accepted => new(VerdictKind.Accepted);

    public static Verdict NotWritten => new(VerdictKind.NotWritten);

    public static Verdict Unknown => new(VerdictKind.Unknown);

    public static Verdict Repeated(string id) => new(VerdictKind.Committed, RepeatedId: id);

    public static Verdict Rejected(Rejection rejection) => new(VerdictKind.Rejected, rejection);
}

/// <summary>Why PostgreSQL refused a row, in words made for the caller: no other row's data, no internals.</summary>
/// <param name="SqlState">The five characters of SQLSTATE, for example <c>23505</c>.</param>
/// <param name="Message">One sentence for the caller.</param>
/// <param name="Constraint">The constraint's name, where PostgreSQL named one.</param>
/// <param name="Column">The column's name, where PostgreSQL named one.</param>
public sealed record Rejection(string SqlState, string Message, string? Constraint = null, string? Column = null)
{
    /// <summary>What rows are told whose table went away while they were under way.</summary>
    public static readonly Rejection TableGone = new(
        "42P01", "The table is not there any more, or may not be written.");
}
