using System.Collections.Immutable;
using System.Text;

namespace Ingest.Node.Catalog;

/// <summary>The header line of a CSV body: which column each field of its records is for.</summary>
public sealed class CsvHeader
{
    private CsvHeader(TableDescriptor table, ImmutableArray<int> columns)
    {
        Table = table;
        Columns = columns;
    }

    /// <summary>The table that the header was read for; records are encoded for the same descriptor.</summary>
    public TableDescriptor Table { get; }

    /// <summary>For each field, the index of its column in the table's columns.</summary>
    internal ImmutableArray<int> Columns { get; }

    /// <summary>Reads a header line, without its line end; a byte order mark before it is skipped.</summary>
    /// <returns>The header; null where it is at fault, and then the errors say why.</returns>
    public static CsvHeader? Parse(TableDescriptor table, ReadOnlySpan<byte> record, RowErrors errors)
    {
        if (record.StartsWith(Encoding.UTF8.Preamble)) record = record[Encoding.UTF8.Preamble.Length..];
        var fields = new CsvFields(record, new TupleWriter());
        var columns = ImmutableArray.CreateBuilder<int>();
        while (fields.TryRead(out var field))
        {
            var name = Encoding.UTF8.GetString(field);
            var index = table.Plan.IndexOf(name);
            if (index < 0) errors.Add(Shorten(name), table.Plan.UnknownColumn);
            else if (table.Columns[index].RefusesInput is { } reason) errors.Add(name, reason);
            else if (columns.Contains(index)) errors.Add(name, "is given more than once");
            columns.Add(index);
        }

        if (fields.Error is { } error) errors.AddRow($"has a header line that {error}");
        return errors.Any ? null : new CsvHeader(table, columns.DrainToImmutable());
    }

    private static string Shorten(string name) => name.Length <= 100 ? name : string.Concat(name.AsSpan(0, 100), "...");
}
