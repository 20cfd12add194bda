using System.Collections.Frozen;
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

    /// <summary>
    /// The classes of errors that pass: those of connections, transactions, roles, resources, locks, operators, foreign
    /// servers, and of PostgreSQL itself.
    /// </summary>
    private static readonly FrozenSet<string> TransientClasses = FrozenSet.Create(
        "00", "01", "02", "03", "08", "0B", "0L", "0P", "25", "26", "28", "2B", "2D", "3B", "3D", "40", "53", "55",
        "57", "58", "72", "F0", "HV", "XX");

    /// <summary>The other classes of PostgreSQL's own; a trigger may raise an error of any class
    /// beside.</summary>
    private static readonly FrozenSet<string> OtherClasses = FrozenSet.Create(
        "09", "0A", "0F", "0Z", "20", "21", "22", "23", "24", "27", "2F", "34", "38", "39", "3F", "42", "44",
        "54", "P0");

    public static ErrorKind KindOf(PostgresException error) => error.SqlState[..2] switch
    {
        "42" when IsPolicyViolation(error) => ErrorKind.Row,
        // Syntax or access rule violation: unknown table or column, other type, no privilege.
        "42" or "3F" => ErrorKind.Table,
        // A rule of the table that the catalog did not know.
        "0A" => ErrorKind.Table,
        // Within a COPY: a field is shorter than its column's type, so the type is not what the row was encoded for.
        "08" when error.SqlState == PostgresErrorCodes.ProtocolViolation && CopyLineOf(error) is not null =>
            ErrorKind.Table,
        // A label that the catalog knows is not there any more.
        "22" when error is { SqlState: PostgresErrorCodes.InvalidTextRepresentation, Routine: "enum_recv" } =>
            ErrorKind.Table,
        var other => IsRowClass(other) ? ErrorKind.Row : ErrorKind.Transient,
    };

    /// <summary>The classes that say nothing of a row, as the text of an array.</summary>
    public static string ClassesNotOfRows { get; } = $"{{{string.Join(',', TransientClasses)},0A,3F,42}}";

    /// <summary>
    /// Errors of this class are a row's fault: data, constraints, WITH CHECK OPTION, a row that is too large for an
    /// index, and whatever a trigger raises or runs into.
    /// </summary>
    private static bool IsRowClass(string sqlClass) =>
        !TransientClasses.Contains(sqlClass) && sqlClass is not ("0A" or "3F" or "42");

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
    public static Rejection ToRejection(PostgresException error) => ToRejection(RowError.Of(error));

    /// <inheritdoc cref="ToRejection(PostgresException)"/>
    public static Rejection ToRejection(RowError error) => new(
        error.SqlState,
        error.SqlState switch
        {
            // A trigger's own words are meant for the caller.
            _ when IsRaised(error) => error.Message.Length <= MaxMessage ? error.Message : error.Message[..MaxMessage],
            PostgresErrorCodes.UniqueViolation => "A row with this key is already there.",
            PostgresErrorCodes.ForeignKeyViolation => "The row refers to one that is not there.",
            PostgresErrorCodes.CheckViolation when error.Constraint is null =>
                "The table has no partition that takes the row.",
            PostgresErrorCodes.CheckViolation => "The row violates a check constraint.",
            PostgresErrorCodes.NotNullViolation => "A value is missing that must not be null.",
            PostgresErrorCodes.ExclusionViolation => "The row conflicts with one that is already there.",
            _ when error.IsPolicy => "The row violates the table's row level security policy.",
            PostgresErrorCodes.InsufficientPrivilege => "The service's role lacks a privilege that the row needs.",
            _ when error.SqlState.StartsWith("22", StringComparison.Ordinal) => "A value is not valid for its column.",
            _ => "PostgreSQL refused the row.",
        },
        error.Constraint,
        error.Column);

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
    public static bool IsPolicyViolation(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.InsufficientPrivilege, Routine: "ExecWithCheckOptions" };

    /// <summary>A trigger's own error: RAISE without a code, with one of a class that PostgreSQL does not have, or with
    /// one for a violated constraint, but none named: PostgreSQL itself names the table or the domain.</summary>
    private static bool IsRaised(RowError error) =>
        error.SqlState == PostgresErrorCodes.RaiseException
        || (error.SqlState.StartsWith("23", StringComparison.Ordinal) && error is { Table: null, Domain: null })
        || (!TransientClasses.Contains(error.SqlState[..2]) && !OtherClasses.Contains(error.SqlState[..2]));

    // "line" is a word of the server's language.
    [GeneratedRegex(@"^COPY .*?, \p{L}+ (\d+)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex CopyLine();
}
