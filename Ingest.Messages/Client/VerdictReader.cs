using Grpc.Core;
using Ingest.Messages.Api.V1;

namespace Ingest.Messages.Client;

/// <summary>Makes results of verdicts.</summary>
internal static class VerdictReader
{
    private const int UuidBytes = 16;

    /// <summary>The result of one of the rows that a verdict is for.</summary>
    /// <param name="index">The row's place among them, counted from 0.</param>
    public static CreateResult ResultOf(Verdicts verdicts, int index) => verdicts.Outcome switch
    {
        Outcome.Committed => new CreateResult(CreateOutcome.Committed, IdOf(verdicts.Ids, index)),
        Outcome.Accepted => new CreateResult(
            CreateOutcome.Accepted,
            IdOf(verdicts.Ids, index),
            index < verdicts.Receipts.Count ? verdicts.Receipts[index] : null),
        Outcome.Rejected => new CreateResult(CreateOutcome.Rejected, Error: ErrorOf(verdicts.Error)),
        Outcome.NotWritten => new CreateResult(CreateOutcome.NotWritten, Error: ErrorOf(verdicts.Error)),
        // Also what a newer node may say that this client does not know.
        _ => new CreateResult(CreateOutcome.Unknown, Error: ErrorOf(verdicts.Error)),
    };

    private static RowId IdOf(Ids? ids, int index)
    {
        if (ids is null) return default;
        if (ids.Uuids.Length >= (index + 1) * UuidBytes)
            return RowId.Of(new Guid(ids.Uuids.Span.Slice(index * UuidBytes, UuidBytes), bigEndian: true));
        if (index < ids.Integers.Count) return RowId.Of(ids.Integers[index]);
        return index < ids.Json.Count ? RowId.OfJson(ids.Json[index].ToStringUtf8()) : default;
    }

    private static CreateError ErrorOf(Error? error) => error is null
        ? new CreateError((int)StatusCode.Unknown, "UNKNOWN", "The node gave no reason.")
        : new CreateError(error.Code, error.Reason, error.Message)
        {
            Columns = [.. error.Violations.Select(violation => (violation.Column, violation.Message))],
            SqlState = error.Sqlstate.Length > 0 ? error.Sqlstate : null,
            Constraint = error.Constraint.Length > 0 ? error.Constraint : null,
        };
}
