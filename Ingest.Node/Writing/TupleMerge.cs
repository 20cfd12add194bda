using System.Buffers;
using System.Text;
using System.Text.Json;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>Writes tuples whose likes may be in the table, by a <see cref="ConflictMerge"/>.</summary>
internal static class TupleMerge
{
    /// <summary>The id of a row in a table without a key, as JSON.</summary>
    private const string NoId = "null";

    /// <summary>Writes rows of one shape within the transaction that is open on
    /// <paramref name="connection"/>.</summary>
    /// <param name="temporary">The connection's temporary tables.</param>
    /// <returns>The rows that are to be answered with another row: their index in the tuples, counted from 0, and the
    /// other one's id as JSON.</returns>
    /// <exception cref="PostgresException">PostgreSQL refused a row, or the command; the transaction is
    /// aborted.</exception>
    public static async Task<List<(int Index, string Id)>> WriteAsync(
        NpgsqlConnection connection,
        TemporaryTables temporary,
        TableDescriptor table,
        ShapeSql sql,
        IReadOnlyList<ReadOnlyMemory<byte>> tuples,
        CancellationToken cancellation)
    {
        if (sql.Unnest is null) await StageAsync(connection, temporary, sql, tuples, cancellation);
        var rows = sql.Unnest is { } unnest ? FieldArrays.Of(tuples, unnest.Types.AsSpan()) : null;
        var merge = sql.Merge!;
        var found = await ReadAsync(connection, table, merge.Write, rows, null, cancellation);
        if (merge.Find is not null && found.Count > 0)
        {
            var places = found.Select(row => row.Index + 1L).ToArray();
            var named = table.Key.IsEmpty
                ? []
                : await ReadAsync(connection, table, merge.Find, rows, places, cancellation);
            // What is there may have no id, or none that a policy lets this role see.
            var mayBeNameless = table.Key.IsEmpty || table.HasRowSecurity;
            // It was deleted since. A trigger that changes what makes rows alike, or keeps a row out, has its reasons.
            if (named.Count < found.Count && !mayBeNameless && !table.HasBeforeInsertTrigger)
                throw new NpgsqlException("a row that another one repeats was deleted while it was looked up");
            var ids = named.ToDictionary(row => row.Index, row => row.Id);
            found = mayBeNameless
                ? [.. found.Select(row => (row.Index, ids.GetValueOrDefault(row.Index, NoId)))]
                : named;
        }

        rows?.Return();
        return found;
    }

    private static async Task StageAsync(
        NpgsqlConnection connection,
        TemporaryTables temporary,
        ShapeSql sql,
        IReadOnlyList<ReadOnlyMemory<byte>> tuples,
        CancellationToken cancellation)
    {
        await temporary.MakeAsync([(sql.Staging!.Name, sql.Staging.Columns)], cancellation);
        await TupleCopy.StreamAsync(connection, sql.Copy, tuples, cancellation);
    }

    private static async Task<List<(int Index, string Id)>> ReadAsync(
        NpgsqlConnection connection,
        TableDescriptor table,
        string sql,
        FieldArrays? rows,
        long[]? places,
        CancellationToken cancellation)
    {
        var count = rows?.Columns.Count ?? 0;
        await using var command = new NpgsqlCommand(places is null ? sql : $"{sql}(${count + 1})", connection);
        for (var column = 0; column < count; column++)
            command.Parameters.Add(new NpgsqlParameter<FieldArray> { TypedValue = rows!.Columns[column] });
        if (places is not null) command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = places });
        // Else Npgsql would prepare it by the way, and know nothing of its rows from then on if a value of that use is
        // refused.
        await command.PrepareAsync(cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = new List<(int, string)>();
        var texts = new string[reader.FieldCount - 1];
        while (await reader.ReadAsync(cancellation))
        {
            for (var field = 0; field < texts.Length; field++) texts[field] = reader.GetString(field + 1);
            found.Add((reader.GetInt32(0) - 1, IdOf(table, texts)));
        }

        return found;
    }

    /// <summary>A row's id as <see cref="RowEncoder.WriteKey"/> has it, from the texts of its key.</summary>
    private static string IdOf(TableDescriptor table, string[] texts)
    {
        if (texts.Length == 0) return NoId;
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            if (texts.Length > 1) json.WriteStartObject();
            for (var column = 0; column < texts.Length; column++)
            {
                if (texts.Length > 1) json.WritePropertyName(table.Key[column].Name);
                var field = new TupleWriter();
                if (table.Key[column].Codec.EncodeText(Encoding.UTF8.GetBytes(texts[column]), field) is { } error)
                    throw new FormatException($"PostgreSQL's own text of a key cannot be read: {error}");
                table.Key[column].Codec.WriteJson(field.Written, json);
            }

            if (texts.Length > 1) json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
