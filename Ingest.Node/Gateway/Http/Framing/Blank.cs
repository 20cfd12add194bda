using System.Buffers;

namespace Ingest.Node.Gateway.Http.Framing;

internal static class Blank
{
    /// <summary>JSON's white space (RFC 8259, section 2).</summary>
    private static ReadOnlySpan<byte> WhiteSpace => " \t\r\n"u8;

    public static bool Is(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
            if (segment.Span.ContainsAnyExcept(WhiteSpace))
                return false;
        return true;
    }

    /// <summary>The first byte that is not white space; null where there is none.</summary>
    public static byte? FirstBehind(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
            if (segment.Span.IndexOfAnyExcept(WhiteSpace) is >= 0 and var at)
                return segment.Span[at];
        return null;
    }
}
