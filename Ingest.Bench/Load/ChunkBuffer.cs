using System.Globalization;

namespace Ingest.Bench.Load;

/// <summary>One chunk of a chunked body (RFC 9112, section 7.1) being filled; its size is written in front at the
/// end.</summary>
public sealed class ChunkBuffer(int bytes)
{
    // Leading zeros are allowed, so the head has a fixed width: six digits and the line's end.
    private const int HeadBytes = 8;
    private const int LongestRow = 1_024;

    private readonly byte[] buffer = new byte[HeadBytes + bytes + 2];
    private int length = HeadBytes;

    /// <summary>Another row of up to 1 KiB fits.</summary>
    public bool HasRoom => length + LongestRow + 2 <= buffer.Length;

    public void Clear() => length = HeadBytes;

    /// <summary>Appends bytes; those that do not fit are a mistake of the caller.</summary>
    public void Add(ReadOnlySpan<byte> row)
    {
        row.CopyTo(buffer.AsSpan(length, buffer.Length - length - 2));
        length += row.Length;
    }

    /// <summary>The whole chunk, valid until the next <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        (length - HeadBytes).TryFormat(buffer, out _, "x6", CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(buffer.AsSpan(HeadBytes - 2));
        "\r\n"u8.CopyTo(buffer.AsSpan(length));
        return buffer.AsMemory(0, length + 2);
    }
}
