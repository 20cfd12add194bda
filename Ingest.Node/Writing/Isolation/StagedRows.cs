using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Rows of a batch in a temporary table of the connection's own, where the server can try them without a round trip for
/// each. One such table serves all shapes; it is empty in each new transaction.
/// </summary>
internal sealed class StagedRows
{
    /// <summary>The column with a row's index in the batch; a name that no sane column has.</summary>
    public const string Place = "\"ingest: the row's place\"";

    private const int PieceBytes = 32 * 1024;

    private readonly NpgsqlConnection connection;
    private readonly TableDescriptor table;
    private readonly BatchRows rows;
    private readonly string name;
    private bool isUsed;

    private StagedRows(NpgsqlConnection connection, TableDescriptor table, BatchRows rows)
    {
        this.connection = connection;
        this.table = table;
        this.rows = rows;
        // The name says what the table looks like, so a connection never meets one of another shape under it.
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{table.Oid} {table.Fingerprint}"));
        name = $"pg_temp.ingest_rows_{Convert.ToHexStringLower(digest.AsSpan(0, 12))}";
    }

    /// <summary>Makes the temporary table, empty.</summary>
    /// <exception cref="PostgresException">The role may make none.</exception>
    public static async Task<StagedRows> CreateAsync(
        LaneTransaction transaction, TableDescriptor table, BatchRows rows, CancellationToken cancellation)
    {
        var made = new StagedRows(transaction.Connection, table, rows);
        await transaction.Temporary.MakeAsync(
            [(made.name, made.Columns()), (InsertLoop.Refused, InsertLoop.RefusedColumns)], cancellation);
        return made;
    }

    /// <summary>
    /// Inserts rows in order, in blocks, each in a subtransaction of its own, within one round trip. Those of a block
    /// that PostgreSQL refuses are inserted one by one, and those that it refuses then are left out. Once only.
    /// </summary>
    /// <param name="indexes">The rows to try, by index, in ascending order.</param>
    /// <returns>The refused rows, by index.</returns>
    /// <exception cref="PostgresException">An error that is not the fault of a row, or a value is not one of its type;
    /// the transaction is aborted.</exception>
    public async Task<List<(int Index, RowError Error)>> InsertAsync(
        int[] indexes, CancellationToken cancellation)
    {
        // Whatever is in the table is tried.
        if (isUsed) throw new InvalidOperationException("Rows were staged before.");
        isUsed = true;
        await using var batch = new NpgsqlBatch(connection);
        foreach (var (shape, chosen) in ByShape(indexes))
        {
            await CopyAsync(shape, chosen, cancellation);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                $"SELECT set_config('{InsertLoop.First}', $1::text, true), "
                + $"set_config('{InsertLoop.Last}', $2::text, true)")
            {
                Parameters = { new() { Value = chosen.Span[0] }, new() { Value = chosen.Span[^1] } },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand(InsertLoop.For(table, shape, name)));
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT place, state, words, of_schema, of_table, violated, at_column, of_type, context "
            + $"FROM {InsertLoop.Refused}"));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        while (reader.FieldCount != 9) await reader.NextResultAsync(cancellation);
        var refused = new List<(int, RowError)>();
        while (await reader.ReadAsync(cancellation)) refused.Add((reader.GetInt32(0), ReadError(reader)));
        return refused;
    }

    private async Task CopyAsync(Shape shape, ReadOnlyMemory<int> indexes, CancellationToken cancellation)
    {
        var columns = string.Join(", ", shape.Columns.Select(column => TableNames.Quote(column.Name)));
        await TupleCopy.StreamAsync(
            connection,
            $"COPY {name} ({Place}, {columns}) FROM STDIN (FORMAT BINARY)",
            Placed(indexes),
            cancellation);
    }

    /// <summary>Puts before each tuple's fields one with the row's index.</summary>
    private IEnumerable<ReadOnlyMemory<byte>> Placed(ReadOnlyMemory<int> indexes)
    {
        var bytes = new ArrayBufferWriter<byte>(2 * PieceBytes);
        for (var next = 0; next < indexes.Length; bytes.ResetWrittenCount())
        {
            for (; next < indexes.Length && bytes.WrittenCount < PieceBytes; next++) Write(indexes.Span[next], bytes);
            yield return bytes.WrittenMemory;
        }
    }

    private void Write(int index, ArrayBufferWriter<byte> bytes)
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

    private RowError ReadError(NpgsqlDataReader reader)
    {
        var state = reader.GetString(1);
        // A policy's words differ by language. A trigger's error has lines of its own before the statement.
        var isPolicy = state == PostgresErrorCodes.InsufficientPrivilege && table.HasRowSecurity
            && reader.GetString(8) is var context
            && context.IndexOf('\n', StringComparison.Ordinal)
                > context.IndexOf(InsertLoop.IntoOf(table), StringComparison.Ordinal);
        return new RowError(state, reader.GetString(2), Text(3), Text(4), Text(5), Text(6), isPolicy)
        {
            Domain = Text(7),
        };

        // PostgreSQL gives an empty text for what it does not name.
        string? Text(int ordinal) => reader.GetString(ordinal) is { Length: > 0 } text ? text : null;
    }

    private IEnumerable<(Shape Shape, ReadOnlyMemory<int> Chosen)> ByShape(int[] indexes)
    {
        var next = 0;
        foreach (var (shape, first, count) in rows.Shapes())
        {
            var start = next;
            while (next < indexes.Length && indexes[next] < first + count) next++;
            if (next > start) yield return (shape, indexes.AsMemory(start..next));
        }
    }

    // Domains are taken off: a value that its domain refuses is a row's fault, and to be found row by row.
    private string Columns() => $"{Place} int, " + string.Join(", ", table.Columns
        .Where(column => column.RefusesInput is null || table.Key.Contains(column))
        .Select(column => $"{TableNames.Quote(column.Name)} {StagedType(column)}"));

    private static string StagedType(Column column) => FieldCodecs.IsInput(column.Codec) ? "text" : column.StoredType;
}
