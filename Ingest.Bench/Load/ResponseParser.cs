using System.Buffers.Text;
using System.Text;

namespace Ingest.Bench.Load;

/// <summary>Takes a response's body, piece by piece as it arrives; a piece is valid during the call only.</summary>
public interface IBodySink
{
    /// <summary>The status line and headers have been read.</summary>
    void Begin(int status);

    void Body(ReadOnlySpan<byte> piece);
}

/// <summary>
/// Reads HTTP/1.1 responses (RFC 9112) from pieces of any size: bodies with a length, chunked, none, or until the
/// connection ends. Reusable by <see cref="Reset"/>, so that a response costs no allocation.
/// </summary>
public sealed class ResponseParser
{
    private const int LongestLine = 16 * 1024;

    private readonly byte[] line = new byte[LongestLine];
    private int lineLength;
    private State state;
    private long remaining;
    private bool isChunked;
    private bool hasLength;

    private enum State
    {
        StatusLine,
        Header,
        Fixed,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailer,
        UntilClose,
        Complete,
    }

    public int Status { get; private set; }

    /// <summary>Seconds of <c>Retry-After</c>; null where it is missing or a date.</summary>
    public int? RetryAfterSeconds { get; private set; }

    /// <summary>The connection can take another request behind this response.</summary>
    public bool KeepsAlive { get; private set; } = true;

    public bool IsComplete => state == State.Complete;

    /// <summary>Nothing of a response has been read yet.</summary>
    public bool IsUntouched => state == State.StatusLine && lineLength == 0;

    public void Reset()
    {
        lineLength = 0;
        state = State.StatusLine;
        remaining = 0;
        isChunked = hasLength = false;
        Status = 0;
        RetryAfterSeconds = null;
        KeepsAlive = true;
    }

    /// <summary>Reads on, at most to the end of the response.</summary>
    /// <returns>The bytes that were read; the rest belongs to the next response.</returns>
    /// <exception cref="InvalidDataException">This is not HTTP/1.x.</exception>
    public int Consume(ReadOnlySpan<byte> data, IBodySink sink)
    {
        var used = 0;
        while (used < data.Length && state != State.Complete)
        {
            var rest = data[used..];
            used += state switch
            {
                State.Fixed or State.ChunkData => ConsumeCounted(rest, sink),
                State.UntilClose => ConsumeAll(rest, sink),
                _ => ConsumeLine(rest, sink),
            };
        }
        return used;
    }

    /// <summary>The connection has ended.</summary>
    /// <exception cref="EndOfStreamException">The response was not complete.</exception>
    public void End()
    {
        if (state == State.UntilClose) state = State.Complete;
        if (state != State.Complete) throw new EndOfStreamException("The connection ended within a response.");
    }

    private static int ConsumeAll(ReadOnlySpan<byte> data, IBodySink sink)
    {
        sink.Body(data);
        return data.Length;
    }

    private int ConsumeCounted(ReadOnlySpan<byte> data, IBodySink sink)
    {
        var count = (int)Math.Min(remaining, data.Length);
        sink.Body(data[..count]);
        remaining -= count;
        if (remaining == 0) state = state == State.Fixed ? State.Complete : State.ChunkEnd;
        return count;
    }

    /// <summary>Handles a line, or keeps its beginning until the rest arrives.</summary>
    private int ConsumeLine(ReadOnlySpan<byte> data, IBodySink sink)
    {
        var end = data.IndexOf((byte)'\n');
        var piece = end < 0 ? data : data[..end];
        if (lineLength + piece.Length > LongestLine)
            throw new InvalidDataException("A line of the response is too long.");
        if (end >= 0 && lineLength == 0)
        {
            HandleLine(TrimEnd(piece), sink);
            return end + 1;
        }
        piece.CopyTo(line.AsSpan(lineLength));
        lineLength += piece.Length;
        if (end < 0) return data.Length;
        var whole = line.AsSpan(0, lineLength);
        lineLength = 0;
        HandleLine(TrimEnd(whole), sink);
        return end + 1;
    }

    private static ReadOnlySpan<byte> TrimEnd(ReadOnlySpan<byte> text) =>
        text is [.., (byte)'\r'] ? text[..^1] : text;

    private void HandleLine(ReadOnlySpan<byte> text, IBodySink sink)
    {
        switch (state)
        {
            case State.StatusLine:
                ReadStatus(text);
                break;
            case State.Header when text.IsEmpty:
                EndHeaders(sink);
                break;
            case State.Header:
                ReadHeader(text);
                break;
            case State.ChunkSize:
                ReadChunkSize(text);
                break;
            case State.ChunkEnd:
                state = text.IsEmpty ? State.ChunkSize
                    : throw new InvalidDataException("A chunk is longer than its size.");
                break;
            case State.Trailer when text.IsEmpty:
                state = State.Complete;
                break;
        }
    }

    private void ReadStatus(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("HTTP/1."u8) || text.Length < 12
            || !Utf8Parser.TryParse(text.Slice(9, 3), out int status, out var digits) || digits != 3)
            throw new InvalidDataException($"Not a status line: '{Encoding.Latin1.GetString(text)}'.");
        Status = status;
        KeepsAlive = text[7] != (byte)'0';
        state = State.Header;
    }

    private void ReadHeader(ReadOnlySpan<byte> text)
    {
        var colon = text.IndexOf((byte)':');
        if (colon <= 0) throw new InvalidDataException("A header line has no name.");
        var name = text[..colon];
        // Only four names matter; their lengths tell nearly all others apart.
        var value = text[(colon + 1)..].Trim((byte)' ');
        if (name.Length == 14 && Ascii.EqualsIgnoreCase(name, "Content-Length"u8)) ReadLength(value);
        else if (name.Length == 17 && Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
            isChunked = Ascii.EqualsIgnoreCase(value, "chunked"u8) ? true
                : throw new InvalidDataException("The response has a transfer coding other than chunked.");
        else if (name.Length == 11 && Ascii.EqualsIgnoreCase(name, "Retry-After"u8))
            RetryAfterSeconds =
                Utf8Parser.TryParse(value, out int s, out var n) && n == value.Length && s >= 0 ? s : null;
        else if (name.Length == 10 && Ascii.EqualsIgnoreCase(name, "Connection"u8))
            KeepsAlive = !Ascii.EqualsIgnoreCase(value, "close"u8);
    }

    private void ReadLength(ReadOnlySpan<byte> value)
    {
        if (!Utf8Parser.TryParse(value, out remaining, out var digits) || digits != value.Length || remaining < 0)
            throw new InvalidDataException("The response's Content-Length is not a number.");
        hasLength = true;
    }

    private void EndHeaders(IBodySink sink)
    {
        if (Status is >= 100 and < 200)
        {
            // An interim response; the real one follows.
            Reset();
            return;
        }
        sink.Begin(Status);
        if (Status is 204 or 304) state = State.Complete;
        else if (isChunked) state = State.ChunkSize;
        else if (hasLength) state = remaining == 0 ? State.Complete : State.Fixed;
        else (state, KeepsAlive) = (State.UntilClose, false);
    }

    private void ReadChunkSize(ReadOnlySpan<byte> text)
    {
        if (!Utf8Parser.TryParse(text, out remaining, out var digits, 'x') || remaining < 0
            || (digits < text.Length && text[digits] is not ((byte)';' or (byte)' ')))
            throw new InvalidDataException("The size of a chunk is not a number.");
        state = remaining == 0 ? State.Trailer : State.ChunkData;
    }
}
