using Ingest.Node.Cluster;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Observability.Dashboard;

/// <summary><c>GET /v1/settings</c>: the settings in force, without secrets.</summary>
internal sealed class SettingsEndpoint(NodeSettings settings, IntakeOptions options)
{
    public Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteStartObject("settings"u8);
        foreach (var (name, value) in settings.InForce) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
        return Task.CompletedTask;
    }
}
