using System.Globalization;
using System.Text.Json.Nodes;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary>The schema of a table's rows, and of the id that a create is answered with.</summary>
internal static class TableSchema
{
    /// <summary>
    /// The name of the table's schema in the document. Component names have letters, digits, dot, hyphen and underscore
    /// only; a served name with anything else, which has no two dots in a row, gets the table's oid behind two.
    /// </summary>
    public static string NameOf(TableDescriptor table)
    {
        var kept = string.Concat(table.Name.Where(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'));
        return kept == table.Name
            ? kept
            : string.Create(CultureInfo.InvariantCulture, $"{kept}..{table.Oid}");
    }

    /// <summary>The schema of one row.</summary>
    /// <param name="example">A row that the table takes.</param>
    public static JsonObject Of(TableDescriptor table, JsonObject example)
    {
        var properties = new JsonObject();
        foreach (var column in table.Columns) properties[column.Name] = Of(column);
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["description"] = Description(table),
            ["properties"] = properties,
            ["additionalProperties"] = false,
            ["examples"] = new JsonArray(example.DeepClone()),
        };
        var required = table.Columns.Where(column => MustBeGiven(table, column)).ToArray();
        if (required.Length > 0)
            schema["required"] = new JsonArray([.. required.Select(column => (JsonNode)column.Name)]);
        return schema;
    }

    /// <summary>The schema of the answer to one row that was created.</summary>
    public static JsonObject Created(TableDescriptor table) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["id"] = Id(table) },
        ["required"] = new JsonArray("id"),
    };

    /// <summary>The schema of the answer to one row that was accepted.</summary>
    public static JsonObject Accepted(TableDescriptor table)
    {
        var schema = Created(table);
        schema["properties"]!["receipt"] = new JsonObject
        {
            ["type"] = "string", ["description"] = "Ask for the verdict with it: GET /v1/receipts/{receipt}.",
        };
        schema["required"]!.AsArray().Add("receipt");
        return schema;
    }

    /// <summary>True where a row without the column is refused.</summary>
    public static bool MustBeGiven(TableDescriptor table, Column column) =>
        table.Plan.MustBeGiven(column) && column.RefusesInput is null && !IsMadeByNode(table, column);

    public static bool IsMadeByNode(TableDescriptor table, Column column) =>
        table.KeyGeneration != KeyGeneration.None && table.Key[0] == column;

    private static JsonObject Of(Column column)
    {
        var schema = ValueForm.Of(column).Schema;
        if (column.IsNullable) ValueForm.AllowNull(schema);
        if (column.RefusesInput is not null) schema["readOnly"] = true;
        if (Literal(column) is { } value) schema["default"] = value;
        schema["description"] = Description(column);
        return schema;
    }

    private static JsonObject Id(TableDescriptor table)
    {
        if (table.Key.IsEmpty) return new JsonObject { ["type"] = "null", ["description"] = "The table has no key." };
        var isKnown = table.KeyGeneration != KeyGeneration.None || table.Key.All(key => MustBeGiven(table, key));
        JsonObject schema;
        if (table.Key is [var only]) schema = ValueForm.Of(only).Schema;
        else
        {
            var parts = new JsonObject();
            foreach (var part in table.Key) parts[part.Name] = ValueForm.Of(part).Schema;
            schema = new JsonObject { ["type"] = "object", ["properties"] = parts };
        }

        // PostgreSQL may make the key, and COPY does not tell.
        if (!isKnown) ValueForm.AllowNull(schema);
        return schema;
    }

    private static string Description(TableDescriptor table)
    {
        var key = string.Join(", ", table.Key.Select(column => Code(column.Name)));
        return $"A row of {Code($"{table.Schema}.{table.Table}")}. " + table.KeyGeneration switch
        {
            KeyGeneration.UuidV7 => $"Key: {key}; where a row does not give it, the node makes a UUID version 7.",
            KeyGeneration.Sequence => $"Key: {key}; where a row does not give it, it comes from the key's sequence.",
            _ when key.Length == 0 => "There is no key.",
            _ => $"Key: {key}.",
        };
    }

    private static string Description(Column column)
    {
        var text = $"PostgreSQL type: {Code(column.TypeName)}.";
        if (column.RefusesInput is { } reason) return $"{text} The column {reason}.";
        return column.Default is { } value ? $"{text} Default: {Code(value)}." : text;
    }

    /// <summary>A name as it is. Descriptions are Markdown (CommonMark), in which it could mean more.</summary>
    private static string Code(string text)
    {
        var fence = "`";
        while (text.Contains(fence, StringComparison.Ordinal)) fence += "`";
        return $"{fence}{(fence.Length > 1 ? $" {text} " : text)}{fence}";
    }

    /// <summary>A default that is a plain literal, as JSON; null for an expression, which only PostgreSQL can
    /// compute.</summary>
    private static JsonNode? Literal(Column column)
    {
        if (column.Default is not { } text || column.RefusesInput is not null) return null;
        return column.Codec.Name switch
        {
            "bool" when text is "true" or "false" => text == "true",
            "int2" or "int4" or "int8" when long.TryParse(
                Unquoted(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
            "text" or "varchar" or "bpchar" or "citext" or "enum" when text.StartsWith('\'') => Unquoted(text),
            _ => null,
        };
    }

    /// <summary>What is within the quotes of <c>'it''s'::text</c>; a text without quotes as it is.</summary>
    private static string Unquoted(string literal)
    {
        var end = literal.LastIndexOf("'::", StringComparison.Ordinal);
        return literal.StartsWith('\'') && end > 0
            ? literal[1..end].Replace("''", "'", StringComparison.Ordinal)
            : literal;
    }
}
