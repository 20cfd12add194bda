using System.Buffers;
using System.Buffers.Binary;

namespace Ingest.Node.Catalog;

/// <summary>
/// A growable, reusable run of bytes in network byte order, as PostgreSQL's binary COPY format wants them. Not
/// thread-safe.
/// </summary>
public sealed class TupleWriter(int capacity = 256) : IBufferWriter<byte>
{
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(capacity);
    private int expected;

    /// <summary>The number of bytes written.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, Length);

    /// <summary>Appends <paramref name="count"/> bytes for the caller to fill.</summary>
    public Span<byte> Append(int count)
    {
        if (buffer.Length - Length < count) Grow(count);
        var span = buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    public void WriteByte(byte value) => Append(1)[0] = value;

    public void WriteInt16(short value) => BinaryPrimitives.WriteInt16BigEndian(Append(2), value);

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Append(4), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Append(8), value);

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Append(bytes.Length));

    /// <summary>Overwrites four bytes that were written before, for a length or a count known only
    /// afterwards.</summary>
    public void PatchInt32(int offset, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(0, Length)[offset..], value);

    /// <summary>Takes back everything behind <paramref name="length"/>; the storage stays for the next bytes.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>Empties it and gives the storage back; as much is taken again with the next byte.</summary>
    public void Release()
    {
        (expected, Length) = (Length, 0);
        var given = buffer;
        buffer = [];
        if (given.Length > 0) ArrayPool<byte>.Shared.Return(given);
    }

    void IBufferWriter<byte>.Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, buffer.Length - Length);
        Length += count;
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        if (buffer.Length - Length < Math.Max(sizeHint, 1)) Grow(Math.Max(sizeHint, 1));
        return buffer.AsMemory(Length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => ((IBufferWriter<byte>)this).GetMemory(sizeHint).Span;

    private void Grow(int count)
    {
        var wanted = Math.Max(Math.Max(buffer.Length * 2L, expected), (long)Length + count);
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, wanted));
        Written.CopyTo(larger);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
