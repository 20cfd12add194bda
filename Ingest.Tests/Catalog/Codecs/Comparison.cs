using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>One value in two forms: as a member of a JSON row, and as the text that a plain INSERT would give.</summary>
public sealed record Value(string Json, string Text);

/// <summary>
/// Writes values twice, by codec and COPY and by INSERT of their text, and demands that both ways refuse the same values and
/// leave the same in the table.
/// </summary>
public static class Comparison
{
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <param name="fromText">The codec gets the text, as from CSV, and not the JSON.</param>
    public static async Task MustAgreeAsync(
        CodecDatabase database, string declaration, IReadOnlyList<Value> values, bool fromText = false)
    {
        await using var connection = await database.ConnectAsync();
        var (type, modifier) = await database.DescribeAsync(connection, declaration);
        var codec = FieldCodecs.For(type, modifier);
        Assert.False(FieldCodecs.IsInput(codec));

        var fields = values.Select(value => fromText
            ? TryEncodeText(codec, Encoding.UTF8.GetBytes(value.Text), out _)
            : TryEncode(codec, value.Json, out _)).ToList();
        await ExecuteAsync(connection, $"CREATE TEMP TABLE expected (n int, v {declaration}); CREATE TEMP TABLE actual (LIKE expected)");
        await CopyAsync(connection, fields);
        await InsertAsync(connection, values);
        await AssertEqualAsync(connection, values, isComparable: !codec.Name.StartsWith("json", StringComparison.Ordinal));

        // White space around JSON given as text is kept, but no member of a row can give it.
        if (!fromText) fields.OfType<byte[]>().ToList().ForEach(field => AssertRoundTrip(codec, field));
        await ExecuteAsync(connection, "DROP TABLE expected, actual");
    }

    /// <summary>The field of a JSON value; null where the codec refuses.</summary>
    public static byte[]? TryEncode(FieldCodec codec, string json, out string? error)
    {
        // As in a row: something stands in front of the value, and something behind.
        var utf8 = Encoding.UTF8.GetBytes($$"""{"before":[1],"value":{{json}},"after":2}""");
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 1000 });
        while (!(reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("value"))) reader.Read();
        reader.Read();
        var writer = new TupleWriter(4);
        writer.WriteByte(0xAA);
        error = codec.EncodeJson(ref reader, writer);
        Assert.True(reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("after"));
        return error is null ? writer.Written[1..].ToArray() : null;
    }

    /// <summary>The field of a text; null where the codec refuses.</summary>
    public static byte[]? TryEncodeText(FieldCodec codec, ReadOnlySpan<byte> utf8, out string? error)
    {
        var writer = new TupleWriter(4);
        error = codec.EncodeText(utf8, writer);
        return error is null ? writer.Written.ToArray() : null;
    }

    public static string Decode(FieldCodec codec, byte[] field)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) codec.WriteJson(field, json);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Decoded by the wire name alone, as a row that outlived its table is, a field gives JSON that encodes to it.</summary>
    private static void AssertRoundTrip(FieldCodec codec, byte[] field)
    {
        var json = Decode(FieldCodecs.ByName(codec.Name), field);
        Assert.Equal(json, Decode(codec, field));
        Assert.True(field.AsSpan().SequenceEqual(TryEncode(codec, json, out var error)), $"{json} {error}");
    }

    private static async Task CopyAsync(NpgsqlConnection connection, List<byte[]?> fields)
    {
        using var rows = new MemoryStream();
        rows.Write(Header);
        var head = new byte[14];
        for (var n = 0; n < fields.Count; n++)
        {
            if (fields[n] is not { } field) continue;
            BinaryPrimitives.WriteInt16BigEndian(head, 2);
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(2), 4);
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(6), n);
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(10), field.Length);
            rows.Write(head);
            rows.Write(field);
        }
        rows.Write([0xFF, 0xFF]);
        await using var copy = await connection.BeginRawBinaryCopyAsync("COPY actual FROM STDIN (FORMAT binary)");
        await copy.WriteAsync(rows.ToArray());
    }

    private static async Task InsertAsync(NpgsqlConnection connection, IReadOnlyList<Value> values)
    {
        await using var insert = new NpgsqlCommand(
            "SELECT count(try_insert(n::int - 1, v)) FROM unnest($1::text[]) WITH ORDINALITY AS given (v, n)", connection);
        insert.Parameters.Add(new() { Value = values.Select(value => value.Text).ToArray() });
        await insert.ExecuteNonQueryAsync();
    }

    private static async Task AssertEqualAsync(
        NpgsqlConnection connection, IReadOnlyList<Value> values, bool isComparable)
    {
        // json has no equality of its own; the others must be equal beyond what they print.
        var differ = isComparable ? "e.v IS DISTINCT FROM a.v OR e.v::text IS DISTINCT FROM a.v::text" : "e.v::text IS DISTINCT FROM a.v::text";
        await using var compare = new NpgsqlCommand(
            $"SELECT n, e.v::text, a.v::text FROM expected e FULL JOIN actual a USING (n) "
            + $"WHERE e.n IS NULL OR a.n IS NULL OR {differ} ORDER BY n LIMIT 5", connection);
        await using var row = await compare.ExecuteReaderAsync();
        var differences = new List<string>();
        while (await row.ReadAsync())
        {
            var value = values[row.GetInt32(0)];
            string Show(int column) => row.IsDBNull(column) ? "(refused)" : row.GetString(column);
            differences.Add($"{value.Json} ({value.Text}): INSERT gives {Show(1)}, COPY gives {Show(2)}");
        }
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
