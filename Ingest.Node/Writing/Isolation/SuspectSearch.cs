using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>Has the server look for the rows that a constraint is likely to refuse. Only the columns that it needs are
/// sent, as arrays, so that this costs a fraction of a COPY.</summary>
internal static class SuspectSearch
{
    /// <summary>Looks among all rows, in one statement for each shape.</summary>
    /// <returns>The suspects by index; null where the columns cannot be sent so.</returns>
    /// <exception cref="PostgresException">The role may not read what the check needs, or a value is not one of its
    /// type; the transaction is aborted.</exception>
    public static async Task<HashSet<int>?> RunAsync(
        NpgsqlConnection connection,
        TableDescriptor table,
        BatchRows rows,
        ConstraintCheck check,
        CancellationToken cancellation)
    {
        var found = new HashSet<int>();
        foreach (var (shape, first, count) in rows.Shapes())
        {
            var known = shape.Columns.Select(column => column.Name).Where(check.Columns.Contains).ToArray();
            if (known.Length < check.Columns.Length)
            {
                if (check.IsAgainstMissing(table)) found.UnionWith(Enumerable.Range(first, count));
                continue;
            }

            var types = shape.Columns
                .Select(column =>
                    known.Contains(column.Name) ? UnnestInsert.TypesOf(table.ByName[column.Name]) : default)
                .ToArray();
            if (types.Count(type => type.Array != 0) < known.Length) return null;
            var tuples = rows.Copies(new RowRange(first, count)).Single().Tuples;
            var arrays = FieldArrays.Of(tuples, types);
            await using (var command = CommandFor(connection, table, known, check, arrays))
            {
                // As in TupleMerge.
                await command.PrepareAsync(cancellation);
                await using var reader = await command.ExecuteReaderAsync(cancellation);
                while (await reader.ReadAsync(cancellation)) found.Add(first + (int)reader.GetInt64(0) - 1);
            }

            arrays.Return();
        }

        return found;
    }

    private static NpgsqlCommand CommandFor(
        NpgsqlConnection connection, TableDescriptor table, string[] columns, ConstraintCheck check, FieldArrays arrays)
    {
        var numbers = Enumerable.Range(1, columns.Length).ToArray();
        var values = columns.Select((name, index) =>
            $"{UnnestInsert.ValueOf(table.ByName[name], $"s.v{index + 1}")} AS {TableNames.Quote(name)}");
        var command = new NpgsqlCommand(
            $"WITH {ConstraintCheck.Rows} AS MATERIALIZED (SELECT s.n AS {StagedRows.Place}, {Join(values)} "
            + $"FROM unnest({Join(numbers.Select(number => $"${number}"))}) WITH ORDINALITY "
            + $"AS s ({Join(numbers.Select(number => $"v{number}"))}, n)) {check.Query}",
            connection);
        foreach (var array in arrays.Columns)
            command.Parameters.Add(new NpgsqlParameter<FieldArray> { TypedValue = array });
        return command;
    }

    private static string Join(IEnumerable<string> parts) => string.Join(", ", parts);
}
