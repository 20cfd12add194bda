using System.Diagnostics;

namespace Ingest.Node.Observability;

/// <summary>Completes the span of a request that is recorded, and tells its caller which one it is.</summary>
internal static class RequestTracing
{
    /// <summary>Answers whose request is traced have this header (W3C Trace Context, level 2).</summary>
    private const string TraceResponse = "traceresponse";

    public static Task DescribeAsync(HttpContext context, RequestDelegate next) =>
        Activity.Current is { Recorded: true } span ? DescribeAsync(context, next, span) : next(context);

    private static async Task DescribeAsync(HttpContext context, RequestDelegate next, Activity span)
    {
        context.Response.Headers[TraceResponse] = $"00-{span.TraceId}-{span.SpanId}-01";
        if (context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
        {
            span.DisplayName = $"{context.Request.Method} {route}";
            span.SetTag("http.route", route);
        }

        await next(context);
        span.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            span.SetStatus(ActivityStatusCode.Error);
    }
}
