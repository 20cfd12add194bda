using System.Text.Json;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>GET /v1/tables</c> and <c>GET /v1/tables/{table}</c>: what can be written.</summary>
internal sealed class TablesEndpoint(ITableCatalog catalog, TableAccess access, IntakeOptions options)
{
    public Task ListAsync(HttpContext context)
    {
        if (!IsRead(context)) return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        return WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("tables"u8);
            foreach (var table in VisibleTo(context)) WriteTable(json, table);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    public async Task ShowAsync(HttpContext context)
    {
        if (!IsRead(context))
        {
            await Answers.MethodNotAllowed(context, options, "GET, HEAD");
            return;
        }

        var name = TableRoute.Of(context);
        var table = await catalog.FindAsync(name, context.RequestAborted);
        if (!access.Allows(context, Scope.Any, table?.Name ?? name))
            await Answers.Write(context, options, Problems.Forbidden(Scope.Any, name));
        else if (table is null) await Answers.Write(context, options, UnknownTable.Of(name, VisibleTo(context)));
        else await WriteAsync(context, json => WriteTable(json, table));
    }

    private IReadOnlyList<TableDescriptor> VisibleTo(HttpContext context) => access.IsOn
        ? [.. catalog.Tables.Where(table => access.Allows(context, Scope.Any, table.Name))]
        : catalog.Tables;

    private static bool IsRead(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

    private static Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        var buffer = JsonBuffer.Rent();
        write(buffer.Json);
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
        return Task.CompletedTask;
    }

    private static void WriteTable(Utf8JsonWriter json, TableDescriptor table)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, table.Name);
        json.WriteString("schema"u8, table.Schema);
        json.WriteString("table"u8, table.Table);
        json.WriteString("rows"u8, $"/v1/tables/{Uri.EscapeDataString(table.Name)}/rows");
        json.WriteStartArray("columns"u8);
        foreach (var column in table.Columns) WriteColumn(json, column, table);
        json.WriteEndArray();
        json.WriteStartArray("key"u8);
        foreach (var column in table.Key) json.WriteStringValue(column.Name);
        json.WriteEndArray();
        json.WriteString("keyGeneration"u8, table.KeyGeneration switch
        {
            KeyGeneration.UuidV7 => "uuidv7",
            KeyGeneration.Sequence => "sequence",
            _ => "none",
        });
        if (table.Conflict is { } conflict)
            json.WriteString("onConflict"u8, conflict.Action == ConflictAction.Skip ? "skip"u8 : "update"u8);
        json.WriteEndObject();
    }

    private static void WriteColumn(Utf8JsonWriter json, Column column, TableDescriptor table)
    {
        var isGenerated = table.KeyGeneration != KeyGeneration.None && table.Key.Contains(column);
        json.WriteStartObject();
        json.WriteString("name"u8, column.Name);
        json.WriteString("type"u8, column.TypeName);
        json.WriteBoolean("nullable"u8, column.IsNullable);
        json.WriteBoolean(
            "required"u8,
            !column.IsNullable && !column.HasDefault && !isGenerated && column.RefusesInput is null
            && !table.HasBeforeInsertTrigger);
        json.WriteString("default"u8, column.Default);
        if (column.RefusesInput is not null) json.WriteString("refusesInput"u8, column.RefusesInput);
        json.WriteEndObject();
    }
}
