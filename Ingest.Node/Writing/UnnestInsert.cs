using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// <c>INSERT ... SELECT ... FROM unnest($1, $2, ...)</c> for rows of one shape, with an array of fields for each
/// column. It travels in one message with what comes before and after it, which COPY cannot.
/// </summary>
/// <param name="Types">For each column the types of its elements and of the array.</param>
internal sealed record UnnestInsert(string Sql, ImmutableArray<(uint Element, uint Array)> Types)
{
    // PostgreSQL's own types text and text[], whose oids never change.
    private static readonly (uint Element, uint Array) Text = (25, 1009);

    /// <returns>null where the rows cannot come this way: an array's array would be unnested to the last element, and
    /// a rule would see the INSERT, not COPY's rows.</returns>
    public static UnnestInsert? For(TableDescriptor table, Shape shape)
    {
        if (shape.Columns.IsEmpty || table.HasInsertRule) return null;
        var columns = shape.Columns.Select(column => table.ByName[column.Name]).ToArray();
        var types = columns.Select(TypesOf).ToImmutableArray();
        if (types.Any(type => type.Array == 0)) return null;

        var names = string.Join(", ", columns.Select(column => TableNames.Quote(column.Name)));
        var overriding = table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";
        var values = columns.Select((column, index) => ValueOf(column, $"s.v{index + 1}")).ToImmutableArray();
        var parameters = string.Join(", ", Enumerable.Range(1, columns.Length).Select(number => $"${number}"));
        var aliases = string.Join(", ", Enumerable.Range(1, columns.Length).Select(number => $"v{number}"));
        return new UnnestInsert(
            $"INSERT INTO {table.SqlName} ({names}){overriding} SELECT {string.Join(", ", values)} "
            + $"FROM unnest({parameters}) AS s ({aliases})",
            types)
        {
            Source = $"unnest({parameters}) WITH ORDINALITY AS s ({aliases}, n)",
            Values = values,
        };
    }

    /// <summary>The rows as <c>s</c>, with their place <c>n</c>, counted from 1.</summary>
    public required string Source { get; init; }

    /// <summary>For each column its value in <see cref="Source"/>.</summary>
    public required ImmutableArray<string> Values { get; init; }

    public NpgsqlBatchCommand Command(FieldArrays rows)
    {
        var command = new NpgsqlBatchCommand(Sql);
        foreach (var column in rows.Columns)
            command.Parameters.Add(new NpgsqlParameter<FieldArray> { TypedValue = column });
        return command;
    }

    /// <summary>The types of a column's fields as elements, and of their array; 0 where it has none. A domain is taken
    /// off, since it would refuse the whole array for one of its values, unless what is below has no array.</summary>
    public static (uint Element, uint Array) TypesOf(Column column) =>
        FieldCodecs.IsInput(column.Codec) ? Text
        : column.StoredOids.Array != 0 ? column.StoredOids
        : (column.TypeOid, column.ArrayOid);

    /// <summary>A column's value.</summary>
    /// <param name="field">The name of its field in the rows that unnest gives.</param>
    public static string ValueOf(Column column, string field) =>
        FieldCodecs.IsInput(column.Codec) ? $"CAST({field} AS {column.SqlType})" : field;
}
