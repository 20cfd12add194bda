using System.Buffers;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>
/// <c>GET /v1/events?table=clicks&amp;search=cl</c>: what the node does, as server-sent events (WHATWG HTML, section
/// 9.2), one a second.
/// </summary>
internal sealed class EventsEndpoint(EventFeed feed, IntakeOptions options)
{
    private static readonly Problem TooMany = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.NodeClosing,
        $"As many watch this node as may ({EventFeed.MaxListeners}), or it is stopping.")
    {
        MayRetry = true,
    };

    public async Task WatchAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            await Answers.MethodNotAllowed(context, options, "GET");
            return;
        }

        if (!feed.TryJoin(out var listener))
        {
            await Answers.Write(context, options, TooMany);
            return;
        }

        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            // Proxies that collect an answer before they pass it on would make this one useless.
            context.Response.Headers["X-Accel-Buffering"] = "no";
            var search = context.Request.Query["search"].ToString();
            var table = context.Request.Query["table"].ToString();
            await context.Response.StartAsync(context.RequestAborted);
            await foreach (var sample in listener.Reader.ReadAllAsync(context.RequestAborted))
            {
                Write(context, sample, search, table.Length == 0 ? null : table);
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
        finally
        {
            feed.Leave(listener);
        }
    }

    private static void Write(HttpContext context, Sample sample, string search, string? table)
    {
        var buffer = JsonBuffer.Rent();
        SampleJson.Write(buffer.Json, sample, search, table);
        var body = context.Response.BodyWriter;
        // JSON has no line end outside of its strings' escapes, so that a sample is one line of data.
        body.Write("data: "u8);
        body.Write(buffer.Written());
        body.Write("\n\n"u8);
        JsonBuffer.Return(buffer);
    }
}
