using System.Text;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using Ingest.Node.Gateway.Errors;
using RpcStatus = Google.Rpc.Status;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// Problems as gRPC has them: a google.rpc.Status with details for a call (https://google.aip.dev/193), and
/// <c>ingest.v1.Error</c> for a row of a stream.
/// </summary>
internal static class GrpcProblems
{
    private const string Domain = "ingest";

    // Details travel in a trailer, and some clients take 8 KiB of all headers and trailers of a call, no more.
    private const int MaxViolationBytes = 3 * 1024;

    /// <summary>The code of a problem's HTTP status.</summary>
    public static StatusCode CodeOf(Problem problem) => problem.Status switch
    {
        StatusCodes.Status400BadRequest or StatusCodes.Status413PayloadTooLarge => StatusCode.InvalidArgument,
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        // Of a stream that was idle: what was sent is settled, and another stream may be opened.
        StatusCodes.Status408RequestTimeout => StatusCode.Aborted,
        StatusCodes.Status409Conflict => StatusCode.AlreadyExists,
        StatusCodes.Status422UnprocessableEntity => StatusCode.FailedPrecondition,
        StatusCodes.Status429TooManyRequests => StatusCode.ResourceExhausted,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        // "This error may be returned even if the operation has completed successfully."
        StatusCodes.Status504GatewayTimeout => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };

    /// <summary>What ends a call with this problem.</summary>
    public static RpcException ToException(Problem problem, TimeSpan retryAfter)
    {
        var status = new RpcStatus { Code = (int)CodeOf(problem), Message = problem.Detail };
        status.Details.Add(Any.Pack(InfoOf(problem)));
        if (!problem.Errors.IsEmpty) status.Details.Add(Any.Pack(BadRequestOf(problem)));
        if (problem.MayRetry)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) }));
        return status.ToRpcException();
    }

    /// <summary>The error of a row of a stream.</summary>
    public static Error ToError(Problem problem)
    {
        var error = new Error
        {
            Code = (int)CodeOf(problem),
            Reason = problem.Type.Reason,
            Message = problem.Detail,
            Sqlstate = problem.SqlState ?? "",
            Constraint = problem.Constraint ?? "",
            Column = problem.Column ?? "",
        };
        foreach (var (column, message) in problem.Errors)
            error.Violations.Add(new Violation { Column = column, Message = message });
        return error;
    }

    private static ErrorInfo InfoOf(Problem problem)
    {
        var info = new ErrorInfo { Domain = Domain, Reason = problem.Type.Reason };
        if (problem.SqlState is { } state) info.Metadata["sqlstate"] = state;
        if (problem.Constraint is { } constraint) info.Metadata["constraint"] = constraint;
        if (problem.Column is { } column) info.Metadata["column"] = column;
        return info;
    }

    private static BadRequest BadRequestOf(Problem problem)
    {
        var bad = new BadRequest();
        var room = MaxViolationBytes;
        foreach (var (column, message) in problem.Errors)
        {
            room -= Encoding.UTF8.GetByteCount(column) + Encoding.UTF8.GetByteCount(message);
            if (room < 0 && bad.FieldViolations.Count > 0) break;
            bad.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = column, Description = message });
        }

        return bad;
    }
}
