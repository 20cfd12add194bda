using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Tests.Http;

/// <summary>Tables as the catalog would describe them, for tests that need no database.</summary>
internal static class TestTables
{
    /// <summary>The demo table: <c>clicks(id, url, user_id, amount, at)</c>.</summary>
    public static TableDescriptor Clicks(string name = "clicks") => Of(
        name,
        KeyGeneration.UuidV7,
        Describe("id", 1, "uuid", isNullable: false, "gen_random_uuid()"),
        Describe("url", 2, "text", isNullable: false),
        Describe("user_id", 3, "int8", isNullable: true),
        Describe("amount", 4, "float8", isNullable: true),
        Describe("at", 5, "timestamptz", isNullable: false, "now()"));

    /// <summary>A table without a key, with nullable columns of some types.</summary>
    public static TableDescriptor Of(params (string Name, string Type)[] columns) => Of(
        "t",
        KeyGeneration.None,
        [.. columns.Select((column, index) => Describe(column.Name, index + 1, column.Type, isNullable: true))]);

    /// <param name="generation">How the key is made, which is the first column; there is none where it is not.</param>
    private static TableDescriptor Of(string name, KeyGeneration generation, params ImmutableArray<Column> columns) =>
        new()
        {
            Name = name,
            Schema = "public",
            Table = name,
            SqlName = $"public.\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"",
            Oid = 1,
            Fingerprint = "",
            Columns = columns,
            ByName = columns.ToFrozenDictionary(column => column.Name, StringComparer.Ordinal),
            Key = generation == KeyGeneration.None ? [] : [columns[0]],
            KeyGeneration = generation,
            Keys = null,
            NeedsStaging = false,
            HasBeforeInsertTrigger = false,
        };

    private static Column Describe(string name, int number, string type, bool isNullable, string? @default = null) =>
        new(name, number, type, FieldCodecs.ByName(type), isNullable, @default is not null, null, @default);
}

/// <summary>A catalog whose tables never change.</summary>
internal sealed class FixedCatalog(params TableDescriptor[] tables) : ITableCatalog
{
    public IReadOnlyList<TableDescriptor> Tables => tables;

    public bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out TableDescriptor? table)
    {
        var wanted = name.ToString();
        table = tables.FirstOrDefault(candidate => candidate.Name == wanted);
        return table is not null;
    }

    public ValueTask<TableDescriptor?> FindAsync(string name, CancellationToken cancellation) =>
        ValueTask.FromResult(TryGet(name, out var table) ? table : null);

    public Task RefreshAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task RefreshForColumnAsync(CancellationToken cancellation) => Task.CompletedTask;
}
