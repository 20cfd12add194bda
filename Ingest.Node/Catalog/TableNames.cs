namespace Ingest.Node.Catalog;

/// <summary>The names by which tables are served, and their quoting.</summary>
internal static class TableNames
{
    // A dot separates schema and table, a slash lane ids and URLs; a part with one of them is quoted as in SQL.
    private static readonly System.Buffers.SearchValues<char> Special = System.Buffers.SearchValues.Create("./\"");

    /// <summary>The table's bare name in the first schema, <c>schema.table</c> in the others.</summary>
    public static string Served(string schema, string table, string firstSchema) =>
        schema == firstSchema ? Part(table) : Full(schema, table);

    /// <summary>The name that finds a table whatever schema is the first.</summary>
    public static string Full(string schema, string table) => $"{Part(schema)}.{Part(table)}";

    /// <summary>An identifier of SQL, quoted whether it needs to be or not.</summary>
    public static string Quote(string identifier) =>
        $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Part(string name) => name.AsSpan().ContainsAny(Special) ? Quote(name) : name;
}
