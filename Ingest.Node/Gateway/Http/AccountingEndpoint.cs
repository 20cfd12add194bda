using System.Text.Json;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>GET /v1/accounting</c>: what became of the rows of each table, and of all together, on this node and in
/// the cluster.</summary>
internal sealed class AccountingEndpoint(
    IAccounting accounting, IClusterAccounting cluster, TableAccess access, IntakeOptions options)
{
    public async Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            await Answers.MethodNotAllowed(context, options, "GET, HEAD");
            return;
        }

        var all = await cluster.CollectAsync(context.RequestAborted);
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("since"u8, accounting.Since);
        WriteAccounts(json, Visible(context, accounting.Snapshot()));
        WriteStopped(json, accounting.StoppedLanes);
        json.WriteStartObject("cluster"u8);
        WriteNodes(json, "nodes", all.Nodes);
        WriteNodes(json, "silent", all.Silent);
        WriteAccounts(json, Visible(context, all.Tables));
        json.WriteEndObject();
        json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }

    private List<TableAccount> Visible(HttpContext context, IReadOnlyList<TableAccount> accounts) =>
        [.. accounts.Where(account => access.Allows(context, Scope.Any, account.Table))];

    private static void WriteNodes(Utf8JsonWriter json, string name, IReadOnlyList<string> nodes)
    {
        json.WriteStartArray(name);
        foreach (var node in nodes) json.WriteStringValue(node);
        json.WriteEndArray();
    }

    private static void WriteAccounts(Utf8JsonWriter json, List<TableAccount> accounts)
    {
        json.WriteStartArray("tables"u8);
        foreach (var account in accounts) WriteAccount(json, account, account.Table);
        json.WriteEndArray();
        json.WritePropertyName("total"u8);
        WriteAccount(json, TableAccount.Sum("", accounts), name: null);
    }

    private static void WriteStopped(Utf8JsonWriter json, IReadOnlyList<StoppedLane> lanes)
    {
        if (lanes.Count == 0) return;
        json.WriteStartArray("stopped"u8);
        foreach (var (lane, reason) in lanes)
        {
            json.WriteStartObject();
            json.WriteString("lane"u8, lane);
            json.WriteString("reason"u8, reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteAccount(Utf8JsonWriter json, TableAccount account, string? name)
    {
        json.WriteStartObject();
        if (name is not null) json.WriteString("table"u8, name);
        json.WriteNumber("received"u8, account.Received);
        json.WriteNumber("committed"u8, account.Committed);
        json.WriteNumber("rejected"u8, account.Rejected);
        json.WriteNumber("notWritten"u8, account.NotWritten);
        json.WriteNumber("unknown"u8, account.Unknown);
        json.WriteNumber("pending"u8, account.Pending);
        json.WriteNumber("accepted"u8, account.Accepted);
        json.WriteNumber("repeated"u8, account.Repeated);
        json.WriteEndObject();
    }
}
