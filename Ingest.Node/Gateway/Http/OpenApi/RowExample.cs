using System.Text.Json.Nodes;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary>
/// A row that its table takes, as far as its columns tell: what a foreign key, a check or a trigger wants more, nobody
/// can know from here. Gives what must be given, and what may be given and has no default; references to other tables
/// are left out where they may be.
/// </summary>
internal static class RowExample
{
    public static JsonObject Of(TableDescriptor table)
    {
        var row = new JsonObject();
        foreach (var column in table.Columns.Where(column => IsShown(table, column)))
        {
            var example = ValueForm.Of(column).Example;
            if (example is not null) row[column.Name] = example;
            else if (TableSchema.MustBeGiven(table, column)) row[column.Name] = "...";
        }

        // A row must give something, where the node adds nothing to it.
        if (row.Count == 0 && table.KeyGeneration == KeyGeneration.None
            && table.Columns.FirstOrDefault(column => column.RefusesInput is null) is { } any)
            row[any.Name] = ValueForm.Of(any).Example;
        return row;
    }

    /// <summary>The rows of an example with several: the same row twice, where no key of its own forbids it.</summary>
    public static IReadOnlyList<JsonObject> Several(TableDescriptor table, JsonObject row) =>
        table.Key.Any(key => row.ContainsKey(key.Name)) ? [row] : [row, row];

    /// <summary>The rows as NDJSON.</summary>
    public static string Ndjson(IReadOnlyList<JsonObject> rows) =>
        string.Concat(rows.Select(row => row.ToJsonString() + "\n"));

    /// <summary>The rows as CSV, with its header line.</summary>
    public static string Csv(TableDescriptor table, IReadOnlyList<JsonObject> rows)
    {
        var columns = rows[0].Select(member => table.ByName[member.Key]).ToArray();
        var lines = rows.Select(row => columns.Select(column => TextOf(column.Codec, row[column.Name])));
        return string.Concat(lines.Prepend(columns.Select(column => column.Name))
            .Select(line => string.Join(',', line.Select(Field)) + "\n"));
    }

    private static bool IsShown(TableDescriptor table, Column column) =>
        TableSchema.MustBeGiven(table, column)
        || (column.RefusesInput is null && !column.HasDefault && !column.IsReference
            && !TableSchema.IsMadeByNode(table, column));

    /// <summary>A value as the text that CSV has for it.</summary>
    private static string TextOf(FieldCodec codec, JsonNode? value) => value switch
    {
        null => "",
        JsonArray items when codec is ArrayCodec array =>
            $"{{{string.Join(',', items.Select(item => Element(array.Element, item)))}}}",
        JsonValue text when text.TryGetValue<string>(out var plain) && codec is not JsonCodec => plain,
        _ => value.ToJsonString(),
    };

    private static string Element(FieldCodec codec, JsonNode? element) => element is null
        ? "NULL"
        : $"\"{TextOf(codec, element).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    private static string Field(string text) => text.AsSpan().ContainsAny(",\"\r\n") || text.Length == 0
        ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
        : text;
}
