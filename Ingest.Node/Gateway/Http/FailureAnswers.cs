using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary>Answers requests that end in an exception.</summary>
internal sealed class FailureAnswers(Failures failures, IntakeOptions options)
{
    /// <summary>Wraps a handler so that its exceptions are answered.</summary>
    public RequestDelegate Guard(RequestDelegate handler) => async context =>
    {
        try
        {
            await handler(context);
        }
        catch (Exception e)
        {
            await AnswerAsync(context, e);
        }
    };

    /// <summary>Answers an exception, or ends the connection where the answer has begun already.</summary>
    public Task AnswerAsync(HttpContext context, Exception exception)
    {
        var problem = failures.ProblemOf(context, exception);
        if (!context.Response.HasStarted)
        {
            context.Response.Clear();
            return Answers.Write(context, options, problem);
        }

        context.Abort();
        return Task.CompletedTask;
    }
}
