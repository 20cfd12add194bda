using System.Buffers.Binary;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Catalog;

/// <summary>Reads fields back from tuples of PostgreSQL's binary COPY format.</summary>
public static class TupleReader
{
    private const int CountBytes = 2;
    private const int LengthBytes = 4;

    /// <summary>The index of the field of this column; -1 where the shape does not have it.</summary>
    public static int IndexOf(Shape shape, string column)
    {
        for (var i = 0; i < shape.Columns.Length; i++)
            if (shape.Columns[i].Name == column) return i;
        return -1;
    }

    /// <summary>Finds a field's bytes.</summary>
    /// <returns>False where the field is NULL.</returns>
    public static bool TryGetField(ReadOnlySpan<byte> tuple, int index, out ReadOnlySpan<byte> field)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, BinaryPrimitives.ReadInt16BigEndian(tuple));
        var rest = tuple[CountBytes..];
        while (true)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            rest = rest[LengthBytes..];
            if (index-- == 0)
            {
                field = length < 0 ? default : rest[..length];
                return length >= 0;
            }

            rest = rest[Math.Max(length, 0)..];
        }
    }

    /// <summary>Writes a field as the JSON value that encodes to it.</summary>
    /// <param name="known">The column's codec today, which is taken where it still has the shape's name.</param>
    public static void WriteField(
        Shape shape, ReadOnlySpan<byte> tuple, int index, FieldCodec? known, Utf8JsonWriter json)
    {
        var name = shape.Columns[index].Codec;
        if (!TryGetField(tuple, index, out var field)) json.WriteNullValue();
        else (known?.Name == name ? known : FieldCodecs.ByName(name)).WriteJson(field, json);
    }

    /// <summary>Writes a tuple as the JSON object that encodes to it.</summary>
    public static void WriteRow(Shape shape, ReadOnlySpan<byte> tuple, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        for (var i = 0; i < shape.Columns.Length; i++)
        {
            json.WritePropertyName(shape.Columns[i].Name);
            WriteField(shape, tuple, i, known: null, json);
        }

        json.WriteEndObject();
    }
}
