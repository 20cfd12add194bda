using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary>
/// Writes the description of the HTTP surface (OpenAPI 3.1): what is the same on every node, from
/// <c>OpenApi/openapi.json</c>, and a path with a schema for each table of the catalog.
/// </summary>
internal static class OpenApiDocument
{
    private const string Source = "openapi.json";

    private static readonly string[] RowRefusals =
        ["400", "403", "404", "409", "413", "415", "422", "429", "500", "503", "504"];

    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonDocument Fixed = Read();

    public static byte[] Write(IReadOnlyList<TableDescriptor> tables)
    {
        var bytes = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartObject();
            foreach (var member in Fixed.RootElement.EnumerateObject())
            {
                if (member.NameEquals("paths")) WriteWith(json, member, more => WritePaths(more, tables));
                else if (member.NameEquals("components")) WriteComponents(json, member, tables);
                else member.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }

    private static void WriteComponents(
        Utf8JsonWriter json, JsonProperty components, IReadOnlyList<TableDescriptor> tables)
    {
        json.WriteStartObject(components.Name);
        foreach (var member in components.Value.EnumerateObject())
        {
            if (member.NameEquals("schemas")) WriteWith(json, member, more => WriteSchemas(more, tables));
            else member.WriteTo(json);
        }

        json.WriteEndObject();
    }

    /// <summary>Writes an object's own members, and more.</summary>
    private static void WriteWith(Utf8JsonWriter json, JsonProperty member, Action<Utf8JsonWriter> more)
    {
        json.WriteStartObject(member.Name);
        more(json);
        foreach (var own in member.Value.EnumerateObject()) own.WriteTo(json);
        json.WriteEndObject();
    }

    private static void WriteSchemas(Utf8JsonWriter json, IReadOnlyList<TableDescriptor> tables)
    {
        foreach (var table in tables)
        {
            json.WritePropertyName(TableSchema.NameOf(table));
            TableSchema.Of(table, RowExample.Of(table)).WriteTo(json);
        }
    }

    private static void WritePaths(Utf8JsonWriter json, IReadOnlyList<TableDescriptor> tables)
    {
        foreach (var table in tables)
        {
            json.WritePropertyName($"/v1/tables/{Uri.EscapeDataString(table.Name)}/rows");
            new JsonObject { ["post"] = Create(table) }.WriteTo(json);
        }
    }

    private static JsonObject Create(TableDescriptor table)
    {
        var name = TableSchema.NameOf(table);
        var responses = new JsonObject
        {
            ["200"] = table.Conflict is null ? Reference("responses", "Verdicts") : VerdictsOrFound(table),
            ["201"] = Taken("The row is in the table, committed.", TableSchema.Created(table)),
            ["202"] = Taken("The row is in the journal, and will be written.", TableSchema.Accepted(table)),
        };
        foreach (var status in RowRefusals) responses[status] = Reference("responses", $"Row{status}");
        responses["default"] = Reference("responses", "Problem");
        return new JsonObject
        {
            ["tags"] = new JsonArray("Rows"),
            ["summary"] = $"Create rows in {table.Name}",
            ["operationId"] = $"create.{name}",
            ["parameters"] = new JsonArray(
                Reference("parameters", "Verdicts"),
                Reference("parameters", "Prefer"),
                Reference("parameters", "IdempotencyKey"),
                Reference("parameters", "ContentEncoding")),
            ["requestBody"] = Body(table, name),
            ["responses"] = responses,
        };
    }

    private static JsonObject Body(TableDescriptor table, string name)
    {
        var row = RowExample.Of(table);
        var rows = RowExample.Several(table, row);
        var list = new JsonObject { ["type"] = "array", ["items"] = Reference("schemas", name) };
        return new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject
                {
                    ["schema"] = new JsonObject { ["oneOf"] = new JsonArray(Reference("schemas", name), list) },
                    ["examples"] = new JsonObject
                    {
                        ["row"] = Example("One row", row.DeepClone()),
                        ["rows"] = Example(
                            "Several rows", new JsonArray([.. rows.Select(one => one.DeepClone())])),
                    },
                },
                ["application/x-ndjson"] = Lines("A row a line", RowExample.Ndjson(rows)),
                ["text/csv"] = Lines("A header line, and a row a line", RowExample.Csv(table, rows)),
            },
        };
    }

    private static JsonObject Lines(string summary, string text) => new()
    {
        ["schema"] = new JsonObject { ["type"] = "string" },
        ["examples"] = new JsonObject { ["rows"] = Example(summary, text) },
    };

    private static JsonObject Example(string summary, JsonNode value) =>
        new() { ["summary"] = summary, ["value"] = value };

    private static JsonObject Taken(string description, JsonObject schema) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = schema } },
    };

    /// <summary>What 200 means where rows may be there already: of one row, that it was.</summary>
    private static JsonObject VerdictsOrFound(TableDescriptor table)
    {
        var verdicts = Fixed.RootElement.GetProperty("components").GetProperty("responses").GetProperty("Verdicts");
        var response = JsonObject.Create(verdicts)!.DeepClone();
        response["description"] =
            $"Of one row: a row like it was there, and has this id. Of several: {response["description"]}";
        var json = response["content"]!["application/json"]!;
        var list = json["schema"]!.DeepClone();
        json["schema"] = new JsonObject { ["oneOf"] = new JsonArray(TableSchema.Created(table), list) };
        return (JsonObject)response;
    }

    private static JsonObject Reference(string kind, string name) =>
        new() { ["$ref"] = $"#/components/{kind}/{name}" };

    private static JsonDocument Read()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Source)
            ?? throw new InvalidOperationException($"{Source} is not embedded.");
        var document = JsonNode.Parse(stream)!;
        document["components"]!["schemas"]!["ingest..Problem"]!["properties"]!["type"]!["enum"] =
            new JsonArray([.. ProblemTypes.All.Select(type => (JsonNode)type.Uri)]);
        return JsonDocument.Parse(document.ToJsonString());
    }
}
