using System.Collections.Immutable;
using System.Globalization;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;

namespace Ingest.Node.Gateway.Errors;

/// <summary>
/// The one place that turns what can go wrong with a row into a status and words, for single answers and for the lines
/// of a stream alike.
/// </summary>
internal static class Problems
{
    // A row of the largest size may be wrong in a hundred thousand ways; its caller needs the first ones.
    private const int MaxErrors = 100;

    public static readonly Problem NotWritten = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.RowNotWritten,
        "The row was not written in time and will not be. It is safe to send it again.") { MayRetry = true };

    public static readonly Problem Unknown = new(
        StatusCodes.Status504GatewayTimeout,
        ProblemTypes.OutcomeUnknown,
        "The outcome is unknown: the row may or may not have been written. Sending it again may write it twice, "
        + "unless it was sent with an idempotency key.");

    public static readonly Problem Overloaded = new(
        StatusCodes.Status429TooManyRequests,
        ProblemTypes.Overloaded,
        "The node has as many rows in flight as it may have. Nothing was kept of this request; send it again later.")
    {
        MayRetry = true,
    };

    public static readonly Problem BacklogFull = new(
        StatusCodes.Status429TooManyRequests,
        ProblemTypes.Overloaded,
        "The table's journal holds as many rows that wait to be written as it may. The row was not taken in and will "
        + "not be written; send it again later.")
    {
        MayRetry = true,
    };

    public static readonly Problem PartialFull = new(
        StatusCodes.Status429TooManyRequests,
        ProblemTypes.Overloaded,
        "The node holds as many bytes of rows that have not come in as a whole as it may. Send the row again later.")
    {
        MayRetry = true,
    };

    public static readonly Problem StreamIdle = new(
        StatusCodes.Status408RequestTimeout,
        ProblemTypes.StreamIdle,
        "No whole row came for too long. Lines with a verdict are settled by it; what comes after them was not read.");

    public static readonly Problem OverLimit = new(
        StatusCodes.Status429TooManyRequests,
        ProblemTypes.CallerLimit,
        "The caller has as many rows in flight, or has sent as many in the last second, as it may. Nothing was kept of "
        + "this request; send it again later.")
    {
        MayRetry = true,
    };

    public static readonly Problem Closing = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.NodeClosing,
        "The node takes no rows: it is stopping, or is not a gateway. Nothing was kept; send it again to another node.")
    {
        MayRetry = true,
    };

    public static readonly Problem StreamClosing = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.NodeClosing,
        "The node is stopping. Lines with a verdict are settled by it; what comes after them was not read: send that "
        + "to another node.")
    {
        MayRetry = true,
    };

    public static readonly Problem NoKeys = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.RowNotWritten,
        "No key could be reserved for the row, since the database did not give one. It is safe to send it again.")
    {
        MayRetry = true,
    };

    public static readonly Problem BodyEmpty = new(
        StatusCodes.Status400BadRequest, ProblemTypes.BodyEmpty, "The body is empty; a row was expected.");

    public static readonly Problem Corrupt = new(
        StatusCodes.Status400BadRequest,
        ProblemTypes.BodyCorrupt,
        "The body cannot be decompressed by the content coding that the request names.");

    public static readonly Problem Internal = new(
        StatusCodes.Status500InternalServerError,
        ProblemTypes.Internal,
        "The service failed on this request; its log says more. Whether rows were written is unknown.");

    /// <summary>The problem of a caller without a grant for a table.</summary>
    public static Problem Forbidden(Scope scopes, string table) => new(
        StatusCodes.Status403Forbidden,
        ProblemTypes.Forbidden,
        $"The caller was not granted {Scopes.NamesOf(scopes).Replace(" ", " or ", StringComparison.Ordinal)} "
        + $"for the table '{table}'.");

    /// <summary>The problem of a table whose settings do not fit it.</summary>
    public static Problem Misconfigured(TableDescriptor table, string fault) => new(
        StatusCodes.Status500InternalServerError,
        ProblemTypes.TableMisconfigured,
        $"The table '{table.Name}' takes no rows, since its setting on-conflict does not fit it: {fault}. Nothing was "
        + "kept.");

    /// <summary>The problem of a row; null where it is committed or accepted.</summary>
    public static Problem? Of(in Verdict verdict) => verdict.Kind switch
    {
        VerdictKind.Committed or VerdictKind.Accepted => null,
        VerdictKind.Rejected => Rejected(verdict.Rejection!),
        VerdictKind.NotWritten => NotWritten,
        VerdictKind.Overloaded => BacklogFull,
        _ => Unknown,
    };

    /// <summary>The problem of rows that were not admitted.</summary>
    public static Problem Of(Admission admission) => admission switch
    {
        Admission.Full => Overloaded,
        Admission.OverLimit => OverLimit,
        _ => Closing,
    };

    /// <summary>The problem of a row that does not fit its table.</summary>
    public static Problem Of(RowErrors errors) => Of(errors, ProblemTypes.RowInvalid, "The row");

    /// <summary>The problem of a CSV header that does not fit its table.</summary>
    public static Problem OfHeader(RowErrors errors) => Of(errors, ProblemTypes.HeaderInvalid, "The header line");

    public static Problem TooLarge(long maxRowBytes) => new(
        StatusCodes.Status413PayloadTooLarge,
        ProblemTypes.RowTooLarge,
        string.Create(CultureInfo.InvariantCulture, $"A row may have at most {maxRowBytes} bytes."));

    public static Problem Broken(string detail) =>
        new(StatusCodes.Status400BadRequest, ProblemTypes.StreamBroken, detail);

    public static Problem RequestInvalid(int status, string detail) => new(status, ProblemTypes.RequestInvalid, detail);

    private static Problem Rejected(Rejection rejection) => rejection.SqlState switch
    {
        RowKey.Mismatch => new(StatusCodes.Status422UnprocessableEntity, ProblemTypes.KeyReused, rejection.Message),
        LetterKey.Gone => new(StatusCodes.Status404NotFound, ProblemTypes.NotFound, rejection.Message),
        LetterKey.Changed => new(StatusCodes.Status409Conflict, ProblemTypes.DeadLetterChanged, rejection.Message),
        _ => Refused(rejection),
    };

    private static Problem Refused(Rejection rejection) => new(
        StatusOf(rejection), ProblemTypes.RowRejected, rejection.Message)
    {
        SqlState = rejection.SqlState,
        Constraint = rejection.Constraint,
        Column = rejection.Column,
        Errors = rejection.Column is null ? [] : [(rejection.Column, rejection.Message)],
    };

    /// <remarks>The codes are those of PostgreSQL's manual, appendix A.</remarks>
    private static int StatusOf(Rejection rejection) => rejection.SqlState switch
    {
        // A trigger may miss another table.
        _ when rejection == Rejection.TableGone => StatusCodes.Status404NotFound,
        "23505" or "23P01" => StatusCodes.Status409Conflict,
        "42501" => StatusCodes.Status403Forbidden,
        ['2', '2', ..] => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    private static Problem Of(RowErrors errors, ProblemType type, string subject)
    {
        var columns = errors.Columns;
        var detail = errors.Row
            ?? (columns.Count <= MaxErrors
                ? $"{subject} does not fit the table; see errors."
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{subject} does not fit the table; errors has the first {MaxErrors} of {columns.Count}."));
        return new Problem(StatusCodes.Status400BadRequest, type, detail)
        {
            Errors = columns.Take(MaxErrors).ToImmutableArray(),
        };
    }
}
