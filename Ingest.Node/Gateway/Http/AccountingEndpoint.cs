using System.Text.Json;
using Ingest.Node.Gateway.Access;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>GET /v1/accounting</c>: what became of the rows of each table, and of all together.</summary>
internal sealed class AccountingEndpoint(IAccounting accounting, TableAccess access, HttpOptions options)
{
    public Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        var accounts = accounting.Snapshot()
            .Where(account => access.Allows(context, Scope.Any, account.Table)).ToList();
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("since"u8, accounting.Since);
        json.WriteStartArray("tables"u8);
        foreach (var account in accounts) WriteAccount(json, account, account.Table);
        json.WriteEndArray();
        WriteStopped(json, accounting.StoppedLanes);
        json.WritePropertyName("total"u8);
        WriteAccount(json, Total(accounts), name: null);
        json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
        return Task.CompletedTask;
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

    private static TableAccount Total(IReadOnlyList<TableAccount> accounts) => new(
        "",
        accounts.Sum(account => account.Received),
        accounts.Sum(account => account.Committed),
        accounts.Sum(account => account.Rejected),
        accounts.Sum(account => account.NotWritten),
        accounts.Sum(account => account.Pending))
    {
        Accepted = accounts.Sum(account => account.Accepted),
        Repeated = accounts.Sum(account => account.Repeated),
        Unknown = accounts.Sum(account => account.Unknown),
    };

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
