using System.Reflection;

namespace Ingest.Node.Gateway.Errors;

/// <summary>A kind of problem: the <c>type</c> and <c>title</c> of RFC 9457, stable for programs to compare.</summary>
internal sealed record ProblemType(string Uri, string Title)
{
    /// <summary>The same in gRPC, as google.rpc.ErrorInfo has it: <c>ROW_INVALID</c>.</summary>
    public string Reason { get; } = Uri[(Uri.LastIndexOf('/') + 1)..].ToUpperInvariant().Replace('-', '_');
}

/// <summary>Every kind of problem that is answered. Callers compare the URIs: add, never rename.</summary>
internal static class ProblemTypes
{
    /// <summary>400: the row does not fit its table; <c>errors</c> names each bad column. Nothing was sent.</summary>
    public static readonly ProblemType RowInvalid = new("/problems/row-invalid", "The row is not valid");

    /// <summary>400, 403, 404, 409, 422: PostgreSQL refused the row; <c>sqlstate</c> says why.</summary>
    public static readonly ProblemType RowRejected = new("/problems/row-rejected", "PostgreSQL refused the row");

    /// <summary>422: the idempotency key came before with another payload.</summary>
    public static readonly ProblemType KeyReused = new("/problems/key-reused", "The idempotency key was used before");

    /// <summary>503: the row is not in the table and will not be; it may be sent again.</summary>
    public static readonly ProblemType RowNotWritten = new("/problems/row-not-written", "The row was not written");

    /// <summary>504: nobody can tell yet whether the row was written.</summary>
    public static readonly ProblemType OutcomeUnknown = new("/problems/outcome-unknown", "The outcome is unknown");

    /// <summary>413: the row, or the body that holds it, is over the limit.</summary>
    public static readonly ProblemType RowTooLarge = new("/problems/row-too-large", "The row is too large");

    /// <summary>429: as many rows are in flight as the node allows.</summary>
    public static readonly ProblemType Overloaded = new("/problems/overloaded", "Too many rows are in flight");

    /// <summary>429: the caller is at one of its own limits, whatever others do.</summary>
    public static readonly ProblemType CallerLimit =
        new("/problems/caller-limit", "The caller is over its limit");

    /// <summary>503: the node is stopping; another one may take the row.</summary>
    public static readonly ProblemType NodeClosing = new("/problems/node-closing", "The node is closing");

    /// <summary>401: the node asks who calls, and was not told, or by a key or token that it does not take.</summary>
    public static readonly ProblemType Unauthenticated =
        new("/problems/unauthenticated", "The caller is unknown");

    /// <summary>403: the caller is known, and was not granted this.</summary>
    public static readonly ProblemType Forbidden = new("/problems/forbidden", "The caller may not do this");

    /// <summary>503: it cannot be told now who calls.</summary>
    public static readonly ProblemType AccessUnavailable =
        new("/problems/access-unavailable", "The caller cannot be verified");

    /// <summary>404: no such table, or none that this service may write to.</summary>
    public static readonly ProblemType TableUnknown = new("/problems/table-unknown", "The table is unknown");

    /// <summary>500: the operator's settings of the table do not fit it.</summary>
    public static readonly ProblemType TableMisconfigured =
        new("/problems/table-misconfigured", "The table's settings do not fit it");

    /// <summary>404: no such resource.</summary>
    public static readonly ProblemType NotFound = new("/problems/not-found", "There is nothing here");

    /// <summary>410: the receipt is older than what is kept.</summary>
    public static readonly ProblemType ReceiptExpired = new("/problems/receipt-expired", "The receipt is too old");

    /// <summary>405: the resource does not know the method; <c>Allow</c> lists those that it does.</summary>
    public static readonly ProblemType MethodNotAllowed =
        new("/problems/method-not-allowed", "The method is not allowed");

    /// <summary>415: the body's media type is not one of those that carry rows.</summary>
    public static readonly ProblemType MediaTypeUnsupported =
        new("/problems/media-type-unsupported", "The media type is not supported");

    /// <summary>415: the body's content coding is unknown; <c>Accept-Encoding</c> lists those that are known.</summary>
    public static readonly ProblemType ContentCodingUnsupported =
        new("/problems/content-coding-unsupported", "The content coding is not supported");

    /// <summary>400: the body cannot be decompressed.</summary>
    public static readonly ProblemType BodyCorrupt = new("/problems/body-corrupt", "The body is corrupt");

    /// <summary>400: there is no row in the body.</summary>
    public static readonly ProblemType BodyEmpty = new("/problems/body-empty", "The body is empty");

    /// <summary>400: the CSV header does not fit the table.</summary>
    public static readonly ProblemType HeaderInvalid = new("/problems/header-invalid", "The header line is not valid");

    /// <summary>400: the stream ended where more had to come; rows before that have their verdicts.</summary>
    public static readonly ProblemType StreamBroken = new("/problems/stream-broken", "The stream is broken");

    /// <summary>408: no row came for too long; rows before that have their verdicts.</summary>
    public static readonly ProblemType StreamIdle = new("/problems/stream-idle", "The stream is idle");

    /// <summary>400, 408, 413: the request itself is malformed, too slow or too large.</summary>
    public static readonly ProblemType RequestInvalid = new("/problems/request-invalid", "The request is not valid");

    /// <summary>500: a fault of this service; its log says more.</summary>
    public static readonly ProblemType Internal = new("/problems/internal-error", "The service failed");

    /// <summary>409: the dead letter is not there to be changed any more: its row is in the table.</summary>
    public static readonly ProblemType DeadLetterReplayed =
        new("/problems/dead-letter-replayed", "The dead letter was replayed");

    /// <summary>409: the dead letter was changed by somebody else at the same time.</summary>
    public static readonly ProblemType DeadLetterChanged =
        new("/problems/dead-letter-changed", "The dead letter was changed");

    /// <summary>412: the resource is not in the state that <c>If-Match</c> names.</summary>
    public static readonly ProblemType PreconditionFailed =
        new("/problems/precondition-failed", "The resource has changed");

    /// <summary>All of them.</summary>
    public static IEnumerable<ProblemType> All => typeof(ProblemTypes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(type => type.GetValue(null)).OfType<ProblemType>();
}
