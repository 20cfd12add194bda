using System.Buffers;
using System.Globalization;
using Ingest.Messages;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary>Writes whole answers, with their length. Kestrel sends what was written when the request ends.</summary>
internal static class Answers
{
    /// <summary>The status of a row that was taken. On a table whose rows may be alike, 200 says that the id is that of
    /// a row that was there.</summary>
    public static int StatusOf(Submission submission, int row) =>
        submission[row].Kind == VerdictKind.Accepted ? StatusCodes.Status202Accepted
        : submission[row].RepeatedId is not null && submission.Table.Conflict is not null ? StatusCodes.Status200OK
        : StatusCodes.Status201Created;

    public static void Write(HttpContext context, int status, string mediaType, ReadOnlySpan<byte> body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = mediaType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) response.BodyWriter.Write(body);
    }

    /// <summary>Answers with a problem, and with the headers that go with it.</summary>
    public static Task Write(HttpContext context, IntakeOptions options, Problem problem)
    {
        if (problem.MayRetry)
            context.Response.Headers.RetryAfter =
                ((long)options.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (problem.Type == ProblemTypes.NodeClosing) context.Response.Headers.Connection = "close";
        var buffer = JsonBuffer.Rent();
        problem.WriteTo(buffer.Json);
        Write(context, problem.Status, MediaTypes.ProblemJson, buffer.Written());
        JsonBuffer.Return(buffer);
        return Task.CompletedTask;
    }

    /// <summary>Answers a method that the resource does not know.</summary>
    public static Task MethodNotAllowed(HttpContext context, IntakeOptions options, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return Write(context, options, new Problem(
            StatusCodes.Status405MethodNotAllowed,
            ProblemTypes.MethodNotAllowed,
            $"This resource knows {allowed} only."));
    }
}
