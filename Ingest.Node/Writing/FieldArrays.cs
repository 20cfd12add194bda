using System.Buffers;
using System.Buffers.Binary;

namespace Ingest.Node.Writing;

/// <summary>A value for an array parameter in PostgreSQL's binary form, ready to be sent.</summary>
/// <param name="TypeOid">The array type.</param>
internal readonly record struct FieldArray(uint TypeOid, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Tuples turned by a quarter: for each column, or some of them, an array with the fields of all rows. A field of a
/// binary array has the same bytes as a field of a COPY tuple, length and NULL included, so nothing is decoded. Pure.
/// </summary>
internal sealed class FieldArrays
{
    // Dimensions, whether there are NULLs, the elements' type; length and lower bound of the only dimension.
    private const int HeaderBytes = 20;
    private const int CountBytes = 2;
    private const int LengthBytes = 4;
    private const int LeftOut = -1;

    private readonly byte[] buffer;

    private FieldArrays(byte[] buffer, FieldArray[] columns)
    {
        this.buffer = buffer;
        Columns = columns;
    }

    /// <summary>In the order of the tuples' fields, without those that were left out.</summary>
    public IReadOnlyList<FieldArray> Columns { get; }

    /// <param name="tuples">Pieces with whole tuples each, of as many fields as there are types.</param>
    /// <param name="types">For each column the types of its elements and of the array; the default for one that is to
    /// be left out.</param>
    public static FieldArrays Of(
        IReadOnlyList<ReadOnlyMemory<byte>> tuples, ReadOnlySpan<(uint Element, uint Array)> types)
    {
        Span<int> ends = types.Length <= 128 ? stackalloc int[types.Length] : new int[types.Length];
        var taken = 0;
        for (var column = 0; column < ends.Length; column++)
        {
            ends[column] = types[column] == default ? LeftOut : HeaderBytes;
            if (ends[column] != LeftOut) taken++;
        }

        var rows = 0;
        foreach (var piece in tuples) rows += Measure(piece.Span, ends);

        var total = 0;
        foreach (var size in ends) total += Math.Max(0, size);
        var buffer = ArrayPool<byte>.Shared.Rent(total);
        var columns = new FieldArray[taken];
        int start = 0, next = 0;
        for (var column = 0; column < types.Length; column++)
        {
            var size = ends[column];
            if (size == LeftOut) continue;
            WriteHeader(buffer.AsSpan(start), types[column].Element, rows);
            columns[next++] = new FieldArray(types[column].Array, buffer.AsMemory(start, size));
            // From here on: where the column's next field goes.
            ends[column] = start + HeaderBytes;
            start += size;
        }

        foreach (var piece in tuples) Copy(piece.Span, buffer, ends);
        return new FieldArrays(buffer, columns);
    }

    /// <summary>Gives the memory back. Only for whoever knows that nobody sends from it any more.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(buffer);

    /// <summary>Adds what the fields take to the columns' sizes.</summary>
    /// <returns>The number of tuples.</returns>
    private static int Measure(ReadOnlySpan<byte> tuples, Span<int> sizes)
    {
        var rows = 0;
        for (; tuples.Length > 0; rows++)
        {
            if (BinaryPrimitives.ReadInt16BigEndian(tuples) != sizes.Length)
                throw new InvalidOperationException("A tuple does not have the fields of its shape.");
            tuples = tuples[CountBytes..];
            foreach (ref var size in sizes)
            {
                var length = FieldLength(tuples);
                if (size != LeftOut) size += length;
                tuples = tuples[length..];
            }
        }

        return rows;
    }

    private static void Copy(ReadOnlySpan<byte> tuples, Span<byte> target, Span<int> places)
    {
        while (tuples.Length > 0)
        {
            tuples = tuples[CountBytes..];
            foreach (ref var place in places)
            {
                var length = FieldLength(tuples);
                if (place != LeftOut)
                {
                    tuples[..length].CopyTo(target[place..]);
                    place += length;
                }

                tuples = tuples[length..];
            }
        }
    }

    /// <summary>The bytes of the field that comes next, with those of its length; that of NULL is -1.</summary>
    private static int FieldLength(ReadOnlySpan<byte> tuple) =>
        LengthBytes + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(tuple));

    private static void WriteHeader(Span<byte> target, uint element, int rows)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, 1);
        // PostgreSQL looks for NULLs itself.
        BinaryPrimitives.WriteInt32BigEndian(target[4..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(target[8..], element);
        BinaryPrimitives.WriteInt32BigEndian(target[12..], rows);
        BinaryPrimitives.WriteInt32BigEndian(target[16..], 1);
    }
}
