using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>/healthz/live</c> and <c>/healthz/ready</c>: 200 or 503, and each check with its reason.</summary>
internal static class HealthAnswers
{
    /// <summary>The options for the checks with a tag.</summary>
    public static HealthCheckOptions For(string tag) => new()
    {
        Predicate = check => check.Tags.Contains(tag),
        ResponseWriter = WriteAsync,
    };

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("status"u8, NameOf(report.Status));
        json.WriteStartObject("checks"u8);
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject(name);
            json.WriteString("status"u8, NameOf(entry.Status));
            json.WriteString("reason"u8, ReasonOf(entry));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        Answers.Write(context, context.Response.StatusCode, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
        return Task.CompletedTask;
    }

    /// <summary>A check's own description; not an exception's words, which may name hosts and users.</summary>
    public static string? ReasonOf(HealthReportEntry entry) =>
        entry.Exception is { } exception && (entry.Description ?? exception.Message) == exception.Message
            ? "The check failed; the log says more."
            : entry.Description;

    private static string NameOf(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
