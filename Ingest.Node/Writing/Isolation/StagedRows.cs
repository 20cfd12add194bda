using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Rows of a batch in a temporary table of the connection's own, where the server can look at all of them at once, and
/// try them one by one without a round trip for each. One such table serves all shapes; it is empty in each new
/// transaction.
/// </summary>
internal sealed class StagedRows
{
    /// <summary>The column with a row's index in the batch; a name that no sane column has.</summary>
    public const string Place = "\"ingest: the row's place\"";

    /// <summary>Stands for the table itself in the query of a <see cref="ConstraintCheck"/>.</summary>
    public const string Self = "\"ingest: the rows\"";

    private const string Refused = "pg_temp.ingest_refused";

    private const string CreateRefused = $"""
        CREATE TEMPORARY TABLE IF NOT EXISTS {Refused} (
            place int, state text, words text, of_schema text, of_table text, violated text, at_column text,
            of_type text) ON COMMIT DELETE ROWS
        """;

    private readonly NpgsqlConnection connection;
    private readonly TableDescriptor table;
    private readonly BatchRows rows;
    private readonly string name;

    private StagedRows(NpgsqlConnection connection, TableDescriptor table, BatchRows rows)
    {
        this.connection = connection;
        this.table = table;
        this.rows = rows;
        // The name says what the table looks like, so a connection never meets one of another shape under it.
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{table.Oid} {table.Fingerprint}"));
        name = $"pg_temp.ingest_rows_{Convert.ToHexStringLower(digest.AsSpan(0, 12))}";
    }

    /// <summary>Copies rows into the temporary table.</summary>
    /// <exception cref="PostgresException">The role may make no temporary table, or a value is not one of its
    /// type.</exception>
    public static async Task<StagedRows> CopyAsync(
        NpgsqlConnection connection, TableDescriptor table, BatchRows rows, CancellationToken cancellation)
    {
        var staged = new StagedRows(connection, table, rows);
        await using (var create = new NpgsqlCommand($"{staged.Create()}; {CreateRefused}", connection))
            await create.ExecuteNonQueryAsync(cancellation);
        foreach (var (shape, first, count) in rows.Shapes())
        {
            var columns = string.Join(", ", shape.Columns.Select(column => TableNames.Quote(column.Name)));
            await TupleCopy.StreamAsync(
                connection,
                $"COPY {staged.name} ({Place}, {columns}) FROM STDIN (FORMAT BINARY)",
                [Placed(rows, first, count)],
                cancellation);
        }

        return staged;
    }

    /// <summary>The rows that a constraint is likely to refuse, by index.</summary>
    /// <exception cref="PostgresException">The constraint cannot be checked so; the transaction is
    /// aborted.</exception>
    public async Task<HashSet<int>> FindAsync(ConstraintCheck check, CancellationToken cancellation)
    {
        var query = check.Query.Replace(Self, name, StringComparison.Ordinal);
        await using var command = new NpgsqlCommand(query, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var indexes = new HashSet<int>();
        while (await reader.ReadAsync(cancellation)) indexes.Add(reader.GetInt32(0));
        return indexes;
    }

    /// <summary>
    /// Inserts rows one by one, in order, each in a subtransaction of its own, within one round trip; those that
    /// PostgreSQL refuses are left out.
    /// </summary>
    /// <param name="indexes">The rows to try, by index, in ascending order.</param>
    /// <param name="alsoRefused">The words of an error that is a row's fault though its class is not: of a policy of row
    /// level security. Empty where there is none.</param>
    /// <returns>The refused rows, by index.</returns>
    /// <exception cref="PostgresException">An error that is not the fault of a row; the transaction is
    /// aborted.</exception>
    public async Task<List<(int Index, RowError Error)>> InsertOneByOneAsync(
        IReadOnlyList<int> indexes, string alsoRefused, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var (shape, chosen) in ByShape(indexes))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                "SELECT set_config('ingest.tried', $1, true), set_config('ingest.also_refused', $2, true)")
            {
                Parameters = { Sql.Text(chosen), Sql.Text(alsoRefused) },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand(InsertEach(shape)));
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            $"SELECT place, state, words, of_schema, of_table, violated, at_column, of_type FROM {Refused}"));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        while (reader.FieldCount != 8) await reader.NextResultAsync(cancellation);
        var refused = new List<(int, RowError)>();
        while (await reader.ReadAsync(cancellation)) refused.Add((reader.GetInt32(0), ReadError(reader, alsoRefused)));
        return refused;
    }

    /// <summary>Puts before each tuple's fields one with the row's index.</summary>
    private static ReadOnlyMemory<byte> Placed(BatchRows rows, int first, int count)
    {
        var bytes = new ArrayBufferWriter<byte>();
        for (var index = first; index < first + count; index++)
        {
            var tuple = rows.At(index).Tuple.Span;
            var head = bytes.GetSpan(10);
            var fields = BinaryPrimitives.ReadInt16BigEndian(tuple);
            BinaryPrimitives.WriteInt16BigEndian(head, (short)(fields + 1));
            BinaryPrimitives.WriteInt32BigEndian(head[2..], sizeof(int));
            BinaryPrimitives.WriteInt32BigEndian(head[6..], index);
            bytes.Advance(10);
            bytes.Write(tuple[2..]);
        }

        return bytes.WrittenMemory;
    }

    private static RowError ReadError(NpgsqlDataReader reader, string alsoRefused)
    {
        var (state, words) = (reader.GetString(1), reader.GetString(2));
        return new RowError(
            state, words, Text(3), Text(4), Text(5), Text(6),
            IsPolicy: state == PostgresErrorCodes.InsufficientPrivilege && words == alsoRefused) { Domain = Text(7) };

        // PostgreSQL gives an empty text for what it does not name.
        string? Text(int ordinal) => reader.GetString(ordinal) is { Length: > 0 } text ? text : null;
    }

    private IEnumerable<(Shape Shape, string Chosen)> ByShape(IReadOnlyList<int> indexes)
    {
        var next = 0;
        foreach (var (shape, first, count) in rows.Shapes())
        {
            var ranges = new StringBuilder();
            while (next < indexes.Count && indexes[next] < first + count)
            {
                var start = next;
                while (next + 1 < indexes.Count && indexes[next + 1] == indexes[next] + 1
                    && indexes[next + 1] < first + count) next++;
                ranges.Append(ranges.Length == 0 ? '{' : ',')
                    .Append(CultureInfo.InvariantCulture, $"[{indexes[start]},{indexes[next]}]");
                next++;
            }

            if (ranges.Length > 0) yield return (shape, ranges.Append('}').ToString());
        }
    }

    // Domains are taken off: a value that its domain refuses is a row's fault, and to be found row by row.
    private string Create() =>
        $"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({Place} int, "
        + string.Join(", ", table.Columns.Where(column => column.RefusesInput is null || table.Key.Contains(column))
            .Select(column => $"{TableNames.Quote(column.Name)} {StagedType(column)}"))
        + ") ON COMMIT DELETE ROWS";

    private static string StagedType(Column column) => FieldCodecs.IsInput(column.Codec) ? "text" : column.StoredType;

    /// <summary>Worded the same for each batch, so that it is parsed once: what differs comes by way of
    /// settings.</summary>
    private string InsertEach(Shape shape)
    {
        var columns = shape.Columns.Select(column => (Name: TableNames.Quote(column.Name), Column: table.ByName[column.Name]))
            .ToArray();
        var values = columns.Select(column => FieldCodecs.IsInput(column.Column.Codec)
            ? $"CAST(candidate.{column.Name} AS {column.Column.SqlType})"
            : $"candidate.{column.Name}");
        var overriding = table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";
        // ASSERT_FAILURE is the one error of a row that OTHERS leaves out.
        var body = $"""
            #variable_conflict use_variable
            DECLARE
                candidate record; tried int4multirange := current_setting('ingest.tried');
                state text; words text; of_schema text; of_table text; violated text; at_column text; of_type text;
            BEGIN
                FOR candidate IN
                    SELECT * FROM {name}
                     WHERE {Place} <@ tried ORDER BY {Place}
                LOOP
                    BEGIN
                        INSERT INTO {table.SqlName} ({string.Join(", ", columns.Select(column => column.Name))}){overriding}
                        VALUES ({string.Join(", ", values)});
                    EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
                        GET STACKED DIAGNOSTICS
                            state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, of_schema = SCHEMA_NAME,
                            of_table = TABLE_NAME, violated = CONSTRAINT_NAME, at_column = COLUMN_NAME,
                            of_type = PG_DATATYPE_NAME;
                        IF left(state, 2) = ANY ('{SqlErrors.ClassesNotOfRows}') AND NOT (
                            state = '{PostgresErrorCodes.InsufficientPrivilege}'
                            AND words = current_setting('ingest.also_refused')) THEN RAISE; END IF;
                        INSERT INTO {Refused} VALUES (
                            candidate.{Place}, state, words, of_schema, of_table, violated, at_column, of_type);
                    END;
                END LOOP;
            END
            """;
        return $"DO E'{body.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
    }
}
