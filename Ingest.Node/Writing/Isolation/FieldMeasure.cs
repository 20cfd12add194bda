using System.Buffers.Binary;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// A number for each row by which rows can be compared in one column: their fields', or the fields' lengths', order.
/// That of fields is the type's own for numbers, times and texts, up to their first 8 bytes; among negative
/// floating-point numbers it is reversed, which makes no difference to ranges. Below all values come NULL and, below
/// that, rows that leave the column out.
/// </summary>
/// <param name="Column">Its name.</param>
/// <param name="IsOfLengths">It is the length of the fields, in bytes, that counts.</param>
internal readonly record struct FieldMeasure(string Column, bool IsOfLengths)
{
    private const ulong LeftOut = 0;
    private const ulong Null = 1;
    private const ulong LeastValue = 2;
    private const ulong Sign = 1UL << 63;

    /// <summary>Those by which the rows can be compared.</summary>
    public static IEnumerable<FieldMeasure> AllOf(BatchRows rows)
    {
        var columns = rows.Shapes().SelectMany(part => part.Shape.Columns).Select(column => column.Name).Distinct();
        foreach (var column in columns)
        {
            yield return new FieldMeasure(column, IsOfLengths: false);
            yield return new FieldMeasure(column, IsOfLengths: true);
        }
    }

    /// <summary>Of all rows, in order.</summary>
    public IEnumerable<ulong> Of(BatchRows rows)
    {
        Shape? shape = null;
        var place = -1;
        foreach (var row in rows.Each())
        {
            if (!ReferenceEquals(shape, row.Shape)) place = TupleReader.IndexOf(shape = row.Shape, Column);
            yield return Of(shape, place, row.Tuple.Span);
        }
    }

    /// <summary>Of the row at an index.</summary>
    public ulong Of(BatchRows rows, int index)
    {
        var row = rows.At(index);
        return Of(row.Shape, TupleReader.IndexOf(row.Shape, Column), row.Tuple.Span);
    }

    private ulong Of(Shape shape, int place, ReadOnlySpan<byte> tuple)
    {
        if (place < 0) return LeftOut;
        if (!TupleReader.TryGetField(tuple, place, out var field)) return Null;
        if (IsOfLengths) return LeastValue + (ulong)field.Length;
        return Math.Max(LeastValue, shape.Columns[place].Codec == "numeric" ? OfNumeric(field) : OfBytes(field));
    }

    private static ulong OfBytes(ReadOnlySpan<byte> field)
    {
        if (field.Length >= sizeof(ulong)) return BinaryPrimitives.ReadUInt64BigEndian(field) ^ Sign;
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        head.Clear();
        field.CopyTo(head);
        return BinaryPrimitives.ReadUInt64BigEndian(head) ^ Sign;
    }

    /// <summary>The number of digits, the weight of the first one, the sign, the scale, the digits.</summary>
    private static ulong OfNumeric(ReadOnlySpan<byte> field)
    {
        var digits = BinaryPrimitives.ReadUInt16BigEndian(field);
        if (digits == 0) return Sign;
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        head.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)(BinaryPrimitives.ReadInt16BigEndian(field[2..]) ^ 0x8000));
        field.Slice(8, Math.Min(6, 2 * digits)).CopyTo(head[2..]);
        var size = BinaryPrimitives.ReadUInt64BigEndian(head) >> 1;
        var isNegative = BinaryPrimitives.ReadUInt16BigEndian(field[4..]) == NumericCodec.NegativeSign;
        return isNegative ? ~size ^ Sign : size | Sign;
    }
}
