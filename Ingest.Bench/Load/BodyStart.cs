using System.Text;

namespace Ingest.Bench.Load;

/// <summary>Keeps the beginning of a response's body, enough to say what an error was.</summary>
public sealed class BodyStart : IBodySink
{
    private readonly byte[] kept = new byte[512];
    private int length;

    public void Begin(int status) => length = 0;

    public void Body(ReadOnlySpan<byte> piece)
    {
        var count = Math.Min(piece.Length, kept.Length - length);
        piece[..count].CopyTo(kept.AsSpan(length));
        length += count;
    }

    public override string ToString() => Encoding.UTF8.GetString(kept, 0, length);
}
