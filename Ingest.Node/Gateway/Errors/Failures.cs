using System.Data.Common;

namespace Ingest.Node.Gateway.Errors;

/// <summary>Turns exceptions of a request into problems that tell nothing of the service's insides.</summary>
internal sealed partial class Failures(ILogger<Failures> logger)
{
    private static readonly Problem Unreadable = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.RowNotWritten,
        "The database cannot be reached. Nothing was written for this request; it is safe to send it again.")
    {
        MayRetry = true,
    };

    /// <summary>What the caller is told of an exception; the log has the rest.</summary>
    public Problem ProblemOf(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case CorruptBodyException:
                return Problems.Corrupt;
            case BadHttpRequestException bad:
                return Problems.RequestInvalid(bad.StatusCode, bad.Message);
            case IOException or OperationCanceledException:
                return Problems.Broken("The connection ended before the body did.");
            case DbException:
                LogDatabase(exception, context.Request.Path);
                return Unreadable;
            default:
                LogUnexpected(exception, context.Request.Path);
                return Problems.Internal;
        }
    }

    [LoggerMessage(3001, LogLevel.Error, "A request for {Path} failed unexpectedly.")]
    private partial void LogUnexpected(Exception exception, string path);

    [LoggerMessage(3002, LogLevel.Warning, "A request for {Path} could not read the database.")]
    private partial void LogDatabase(Exception exception, string path);
}
