namespace Ingest.Bench.Load;

/// <summary>Takes one line without its end; valid during the call only.</summary>
public delegate void LineHandler(ReadOnlySpan<byte> line);

/// <summary>Cuts a body that arrives in pieces into lines; empty lines are left out.</summary>
public sealed class LineSplitter(LineHandler handle)
{
    private const int LongestLine = 1024 * 1024;

    private byte[] kept = new byte[4 * 1024];
    private int length;

    /// <summary>Takes a piece of any size.</summary>
    /// <exception cref="InvalidDataException">A line is longer than a mebibyte.</exception>
    public void Push(ReadOnlySpan<byte> piece)
    {
        while (piece.IndexOf((byte)'\n') is >= 0 and var end)
        {
            if (length == 0)
            {
                Handle(piece[..end]);
            }
            else
            {
                Keep(piece[..end]);
                var whole = length;
                length = 0;
                Handle(kept.AsSpan(0, whole));
            }
            piece = piece[(end + 1)..];
        }
        Keep(piece);
    }

    /// <summary>The body has ended: what is left is a line too.</summary>
    public void End()
    {
        var whole = length;
        length = 0;
        Handle(kept.AsSpan(0, whole));
    }

    private void Handle(ReadOnlySpan<byte> line)
    {
        if (line is [.., (byte)'\r']) line = line[..^1];
        if (!line.IsEmpty) handle(line);
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (length + piece.Length > LongestLine) throw new InvalidDataException("A line of the answer is too long.");
        if (length + piece.Length > kept.Length)
            Array.Resize(ref kept, Math.Max(kept.Length * 2, length + piece.Length));
        piece.CopyTo(kept.AsSpan(length));
        length += piece.Length;
    }
}
