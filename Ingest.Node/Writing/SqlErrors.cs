using System.Collections.Frozen;
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
internal static class SqlErrors
{
    /// <summary>Division by zero, which the check of a table's columns raises on purpose.</summary>
    public const string TableChanged = PostgresErrorCodes.DivisionByZero;

    /// <summary>The classes of errors that pass: of connections, of prepared statements that a pooler has lost, of
    /// resources and of the system below.</summary>
    private static readonly FrozenSet<string> TransientClasses = FrozenSet.Create("08", "26", "53", "58");

    /// <summary>
    /// Errors of other classes that pass: of a standby, of a transaction that has failed already, of concurrency and
    /// locks, of an operator's intervention, of a foreign server that is not there, of a damaged file. Nothing else
    /// is: a trigger may raise, or run into, whatever else there is, and the same row would be refused for ever.
    /// </summary>
    private static readonly FrozenSet<string> TransientStates = FrozenSet.Create(
        "25006", "25P02", "40001", "40003", "40P01", "55006", "55P03", "55P04", "57014", "57P01", "57P02", "57P03",
        "57P04", "57P05", "72000", "HV00N", "XX001", "XX002");

    /// <summary>All classes of PostgreSQL's own; a trigger may raise an error of any class beside.</summary>
    private static readonly FrozenSet<string> OwnClasses = FrozenSet.Create(
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "20", "21", "22", "23", "24", "25",
        "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55",
        "57", "58", "72", "F0", "HV", "P0", "XX");

    public static ErrorKind KindOf(PostgresException error) => error.SqlState[..2] switch
    {
        // It has ended the connection.
        _ when error.InvariantSeverity is "FATAL" or "PANIC" => ErrorKind.Transient,
        "42" when IsPolicyViolation(error) => ErrorKind.Row,
        // Syntax or access rule violation: unknown table or column, other type, no privilege.
        "42" or "3F" => ErrorKind.Table,
        // A rule of the table that the catalog did not know.
        "0A" => ErrorKind.Table,
        // Within a COPY: a field is shorter than its column's type, so the type is not what the row was encoded for.
        "08" when error.SqlState == PostgresErrorCodes.ProtocolViolation && CopyPlace.Of(error) is not null =>
            ErrorKind.Table,
        // A label that the catalog knows is not there any more.
        "22" when error is { SqlState: PostgresErrorCodes.InvalidTextRepresentation, Routine: "enum_recv" } =>
            ErrorKind.Table,
        var other => TransientClasses.Contains(other) || TransientStates.Contains(error.SqlState)
            ? ErrorKind.Transient
            : ErrorKind.Row,
    };

    /// <summary>Whether <c>SQLSTATE</c> is that of an error that passes, as an expression of PL/pgSQL.</summary>
    public static string IsTransientInSql { get; } =
        $"left(SQLSTATE, 2) = ANY ('{{{string.Join(',', TransientClasses.Order())}}}') "
        + $"OR SQLSTATE = ANY ('{{{string.Join(',', TransientStates.Order())}}}')";

    /// <summary>The verdict for the row that caused an error.</summary>
    public static Rejection ToRejection(PostgresException error) => ToRejection(RowError.Of(error));

    /// <inheritdoc cref="ToRejection(PostgresException)"/>
    public static Rejection ToRejection(RowError error) => new(
        error.SqlState,
        error.SqlState switch
        {
            // A trigger's own words are meant for the caller.
            _ when IsRaised(error) => error.Message,
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

    // Messages of class 22 and 23 may quote values, and what a trigger says may be anything; all others speak of the
    // server's state.
    private static string SeverityAndRoutine(PostgresException error) =>
        error.SqlState.StartsWith('2') || error.Where is not null ? $"({error.Routine})" : error.MessageText;

    // A violation of row level security and a missing privilege share a code, and words differ by language.
    public static bool IsPolicyViolation(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.InsufficientPrivilege, Routine: "ExecWithCheckOptions" };

    /// <summary>A trigger's own error: RAISE without a code, with one of a class that PostgreSQL does not have, or with
    /// one for a violated constraint, but none named: PostgreSQL itself names the table or the domain.</summary>
    private static bool IsRaised(RowError error) =>
        error.SqlState == PostgresErrorCodes.RaiseException
        || (error.SqlState.StartsWith("23", StringComparison.Ordinal) && error is { Table: null, Domain: null })
        || !OwnClasses.Contains(error.SqlState[..2]);
}
