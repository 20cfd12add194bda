using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>GET /v1/cluster</c>: the nodes, their roles and state, and the lanes on each.</summary>
internal sealed class ClusterEndpoint(IClusterView cluster, IntakeOptions options)
{
    public async Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            await Answers.MethodNotAllowed(context, options, "GET, HEAD");
            return;
        }

        var members = await cluster.MembersAsync(context.RequestAborted);
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteStartArray("members"u8);
        foreach (var member in members)
        {
            json.WriteStartObject();
            json.WriteString("address"u8, member.Address);
            json.WriteString("status"u8, member.Status);
            json.WriteBoolean("reachable"u8, member.IsReachable);
            json.WriteBoolean("self"u8, member.IsSelf);
            WriteList("roles", member.Roles);
            WriteList("lanes", member.Lanes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);

        void WriteList(string name, IReadOnlyList<string>? values)
        {
            if (values is null)
            {
                json.WriteNull(name);
                return;
            }

            json.WriteStartArray(name);
            foreach (var value in values) json.WriteStringValue(value);
            json.WriteEndArray();
        }
    }
}
