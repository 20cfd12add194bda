using System.Collections.Immutable;
using System.Text;

namespace Ingest.Node.Catalog;

/// <summary>Which column each field of a row is for, where rows give their fields by position: the header line of a CSV
/// body, or the names that a gRPC stream gave.</summary>
public sealed class RowHeader
{
    private RowHeader(TableDescriptor table, ImmutableArray<int> columns)
    {
        Table = table;
        Columns = columns;
    }

    /// <summary>The table that the header was read for; rows are encoded for the same descriptor.</summary>
    public TableDescriptor Table { get; }

    /// <summary>For each field, the index of its column in the table's columns.</summary>
    internal ImmutableArray<int> Columns { get; }

    /// <summary>Reads a CSV header line, without its line end; a byte order mark before it is skipped.</summary>
    /// <returns>The header; null where it is at fault, and then the errors say why.</returns>
    public static RowHeader? ParseCsv(TableDescriptor table, ReadOnlySpan<byte> record, RowErrors errors)
    {
        if (record.StartsWith(Encoding.UTF8.Preamble)) record = record[Encoding.UTF8.Preamble.Length..];
        var fields = new CsvFields(record, new TupleWriter());
        var names = new List<string>();
        while (fields.TryRead(out var field)) names.Add(Encoding.UTF8.GetString(field));
        if (fields.Error is { } error) errors.AddRow($"has a header line that {error}");
        return Of(table, names, errors);
    }

    /// <summary>The header of these columns.</summary>
    /// <returns>As <see cref="ParseCsv"/>.</returns>
    public static RowHeader? Of(TableDescriptor table, IEnumerable<string> names, RowErrors errors)
    {
        var columns = ImmutableArray.CreateBuilder<int>();
        foreach (var name in names)
        {
            var index = table.Plan.IndexOf(name);
            if (index < 0) errors.AddUnknown(Shorten(name), table.Plan.UnknownColumn);
            else if (table.Columns[index].RefusesInput is { } reason) errors.Add(name, reason);
            else if (columns.Contains(index)) errors.Add(name, "is given more than once");
            columns.Add(index);
        }

        return errors.Any ? null : new RowHeader(table, columns.DrainToImmutable());
    }

    private static string Shorten(string name) => name.Length <= 100 ? name : string.Concat(name.AsSpan(0, 100), "...");
}
