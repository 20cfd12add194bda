using System.Globalization;
using System.Text.RegularExpressions;
using Ingest.Messages;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>What an error of PostgreSQL means for a batch.</summary>
internal enum ErrorKind
{
    /// <summary>The database, the connection or a lock is at fault: the same rows may well be written later.</summary>
    Transient,

    /// <summary>A row is at fault.</summary>
    Row,

    /// <summary>The table is not what the catalog says, or may not be written: look again.</summary>
    Table,
}

/// <summary>Sorts PostgreSQL's errors by SQLSTATE (PostgreSQL's manual, appendix A) and words them for
/// callers.</summary>
internal static partial class SqlErrors
{
    /// <summary>Division by zero, which the check of a table's columns raises on purpose.</summary>
    public const string TableChanged = PostgresErrorCodes.DivisionByZero;

    /// <summary>Characters of a trigger's message that a caller gets; thousands of them may travel in one
    /// answer.</summary>
    private const int MaxMessage = 500;

    public static ErrorKind KindOf(PostgresException error) => error.SqlState[..2] switch
    {
        // Data exceptions, constraints, WITH CHECK OPTION, and exceptions that a trigger raises.
        "22" or "23" or "44" or "P0" => ErrorKind.Row,
        // A row that is too large for an index, a trigger's subquery with too many rows, a trigger in another language.
        "54" or "21" or "38" or "39" => ErrorKind.Row,
        "42" when IsPolicyViolation(error) => ErrorKind.Row,
        // Syntax or access rule violation: unknown table or column, other type, no privilege.
        "42" or "3F" => ErrorKind.Table,
        // A rule of the table that the catalog did not know.
        "0A" => ErrorKind.Table,
        // Within a COPY: a field is shorter than its column's type, so the type is not what the row was encoded for.
        "08" when error.SqlState == PostgresErrorCodes.ProtocolViolation && CopyLineOf(error) is not null =>
            ErrorKind.Table,
        _ => ErrorKind.Transient,
    };

    /// <summary>
    /// The line of the COPY that PostgreSQL names as the place of the error, counted from 1; null where it names none.
    /// The context of a BEFORE trigger has the trigger's lines first.
    /// </summary>
    public static int? CopyLineOf(PostgresException error) =>
        error.Where is { } context && CopyLine().Match(context) is { Success: true } match
        && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var line)
            ? line
            : null;

    /// <summary>The verdict for the row that caused an error.</summary>
    public static Rejection ToRejection(PostgresException error) => new(
        error.SqlState,
        error.SqlState switch
        {
            PostgresErrorCodes.UniqueViolation => "A row with this key is already there.",
            PostgresErrorCodes.ForeignKeyViolation => "The row refers to one that is not there.",
            PostgresErrorCodes.CheckViolation => "The row violates a check constraint.",
            PostgresErrorCodes.NotNullViolation => "A value is missing that must not be null.",
            PostgresErrorCodes.ExclusionViolation => "The row conflicts with one that is already there.",
            // A trigger's own words are meant for the caller.
            PostgresErrorCodes.RaiseException => error.MessageText.Length <= MaxMessage
                ? error.MessageText
                : error.MessageText[..MaxMessage],
            _ when IsPolicyViolation(error) => "The row violates the table's row level security policy.",
            PostgresErrorCodes.InsufficientPrivilege => "The service's role lacks a privilege that the row needs.",
            _ when error.SqlState.StartsWith("22", StringComparison.Ordinal) => "A value is not valid for its column.",
            _ => "PostgreSQL refused the row.",
        },
        error.ConstraintName,
        error.ColumnName ?? (error.Where is { } context && CopyColumn().Match(context) is { Success: true } match
            ? match.Groups[1].Value
            : null));

    /// <summary>What the log may say of a failure: no row's data.</summary>
    public static string ReasonOf(Exception error) => error switch
    {
        PostgresException postgres => $"{postgres.SqlState} {SeverityAndRoutine(postgres)}",
        OperationCanceledException => "the attempt lasted until its rows' deadline",
        { InnerException: { } inner } => $"{error.Message}: {inner.Message}",
        _ => error.Message,
    };

    // Messages of class 22 and 23 may quote values; all others speak of the server's state.
    private static string SeverityAndRoutine(PostgresException error) =>
        error.SqlState.StartsWith('2') ? $"({error.Routine})" : error.MessageText;

    // A violation of row level security and a missing privilege share a code, and words differ by language.
    private static bool IsPolicyViolation(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.InsufficientPrivilege, Routine: "ExecWithCheckOptions" };

    // "line" and "column" are words of the server's language.
    [GeneratedRegex(@"^COPY .*?, \p{L}+ (\d+)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex CopyLine();

    [GeneratedRegex(@"^COPY .*?, \p{L}+ \d+, \p{L}+ ([^:\n]+)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex CopyColumn();
}
