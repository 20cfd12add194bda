using System.Globalization;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// The answers to callers who are not let in: problems over HTTP, and the codes of gRPC to who speaks that. They say
/// the same of a key that is wrong, unknown or out of date.
/// </summary>
internal sealed partial class AccessAnswers(IntakeOptions options, ILogger<AccessAnswers> logger)
{
    // The codes of gRPC's core/doc/statuscodes.md.
    private const int PermissionDenied = 7;
    private const int Unavailable = 14;
    private const int UnauthenticatedCode = 16;

    private static readonly Problem NotGiven = new(
        StatusCodes.Status401Unauthorized,
        ProblemTypes.Unauthenticated,
        "This service asks who calls: send a key as X-Api-Key, or a key or token as Authorization: Bearer.");

    private static readonly Problem NotTaken = new(
        StatusCodes.Status401Unauthorized,
        ProblemTypes.Unauthenticated,
        "The key or token is not known here, is not for this service, or its time is up.");

    private static readonly Problem Unverified = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.AccessUnavailable,
        "The token cannot be verified now, since its issuer's keys cannot be read. Nothing was kept of this request.")
    {
        MayRetry = true,
    };

    /// <summary>401, with what RFC 6750, section 3, wants to be told of it.</summary>
    public Task Unauthenticated(HttpContext context, bool wasGiven)
    {
        context.Response.Headers.WWWAuthenticate =
            wasGiven ? "Bearer realm=\"ingest\", error=\"invalid_token\"" : "Bearer realm=\"ingest\"";
        return Write(context, wasGiven ? NotTaken : NotGiven, UnauthenticatedCode);
    }

    /// <summary>403: the endpoint is for callers with other scopes.</summary>
    public Task Forbidden(HttpContext context, Scope required)
    {
        var names = Scopes.NamesOf(required);
        context.Response.Headers.WWWAuthenticate =
            $"Bearer realm=\"ingest\", error=\"insufficient_scope\", scope=\"{names}\"";
        return Write(
            context,
            new Problem(
                StatusCodes.Status403Forbidden,
                ProblemTypes.Forbidden,
                $"The caller was granted none of these for any table: {names}."),
            PermissionDenied);
    }

    /// <summary>503: nobody can tell now who this is.</summary>
    public Task CannotTell(HttpContext context, IssuerUnreachableException error)
    {
        LogUnreachable(error.InnerException!.Message);
        return Write(context, Unverified, Unavailable);
    }

    private Task Write(HttpContext context, Problem problem, int code)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) is not true)
            return Answers.Write(context, options, problem);
        // A status without a message goes in the head (gRPC over HTTP/2, "Trailers-Only").
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = code.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString(problem.Detail);
        return Task.CompletedTask;
    }

    [LoggerMessage(6005, LogLevel.Warning, "The keys of the tokens' issuer cannot be read: {Reason}")]
    private partial void LogUnreachable(string reason);
}
