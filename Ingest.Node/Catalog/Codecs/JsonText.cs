using System.Buffers.Text;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// What <see cref="Utf8JsonReader"/> leaves to do: unescaping without exceptions and strings, and the exact text of a
/// value.
/// </summary>
internal static class JsonText
{
    /// <summary>
    /// How deep JSON given as text may nest. PostgreSQL's own limit is its stack's, some thousand levels.
    /// </summary>
    public const int MaxDepth = 512;

    private const string LoneSurrogate = "has a surrogate escape (\\ud800 to \\udfff) without its other half";

    /// <summary>Unescapes a JSON string that the reader has read; its escapes are therefore well formed.</summary>
    /// <param name="escaped">What is between the quotes.</param>
    /// <param name="into">At least as long as <paramref name="escaped"/>: unescaping never makes a string
    /// longer.</param>
    /// <returns>null, or what is wrong: a surrogate without its pair, which UTF-8 cannot express.</returns>
    public static string? Unescape(ReadOnlySpan<byte> escaped, Span<byte> into, out int written)
    {
        written = 0;
        while (true)
        {
            var run = escaped.IndexOf((byte)'\\');
            if (run < 0) run = escaped.Length;
            escaped[..run].CopyTo(into[written..]);
            written += run;
            if (run == escaped.Length) return null;
            escaped = escaped[run..];
            if (!TryTakeEscape(ref escaped, out var rune)) return LoneSurrogate;
            written += rune.EncodeToUtf8(into[written..]);
        }
    }

    /// <summary>
    /// Checks a JSON string for the escapes that jsonb refuses: U+0000 and surrogates without their pair.
    /// </summary>
    /// <returns>null, or what is wrong.</returns>
    public static string? CheckEscapes(ReadOnlySpan<byte> escaped)
    {
        for (var next = escaped.IndexOf((byte)'\\'); next >= 0; next = escaped.IndexOf((byte)'\\'))
        {
            escaped = escaped[next..];
            if (!TryTakeEscape(ref escaped, out var rune)) return LoneSurrogate;
            if (rune.Value == 0) return "holds the escape \\u0000, which jsonb cannot keep";
        }
        return null;
    }

    /// <summary>
    /// Moves the reader to the end of the object or array that it stands on, and gives the exact text of that value.
    /// </summary>
    /// <param name="visit">Is shown the reader at each token behind the first one; gives what is wrong there, or
    /// null.</param>
    /// <exception cref="InvalidOperationException">The reader reads a sequence of segments, not one span.</exception>
    public static ReadOnlySpan<byte> TakeContainer(ref Utf8JsonReader reader, TokenCheck? visit, out string? error)
    {
        if (reader.Position.GetObject() is not null) throw new InvalidOperationException("Rows must be contiguous.");
        error = null;
        var depth = reader.CurrentDepth;
        var start = reader.TokenStartIndex;
        // The reader shows single tokens of its span only. That of an opening bracket lies in the span itself, so the
        // text from there to the closing bracket, which the reader has walked over, is reached from its reference.
        ref var first = ref MemoryMarshal.GetReference(reader.ValueSpan);
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (visit is not null) error ??= visit(ref reader);
        }
        return MemoryMarshal.CreateReadOnlySpan(in first, checked((int)(reader.BytesConsumed - start)));
    }

    /// <summary>Looks at the token that the reader stands on, and does not move it.</summary>
    public delegate string? TokenCheck(ref Utf8JsonReader reader);

    /// <summary>Takes one escape off the front, or the two of a surrogate pair.</summary>
    private static bool TryTakeEscape(ref ReadOnlySpan<byte> text, out Rune rune)
    {
        var kind = text[1];
        if (kind != 'u')
        {
            rune = new Rune(Plain(kind));
            text = text[2..];
            return true;
        }
        var unit = CodeUnit(text);
        text = text[6..];
        if (!char.IsHighSurrogate(unit)) return Rune.TryCreate(unit, out rune);
        rune = default;
        if (text.Length < 6 || text[0] != '\\' || text[1] != 'u') return false;
        var pair = Rune.TryCreate(unit, CodeUnit(text), out rune);
        if (pair) text = text[6..];
        return pair;
    }

    private static char CodeUnit(ReadOnlySpan<byte> escape)
    {
        var hex = Utf8Parser.TryParse(escape.Slice(2, 4), out ushort unit, out var length, 'x') && length == 4;
        Debug.Assert(hex, "the reader has checked the digits");
        return (char)unit;
    }

    private static char Plain(byte kind) => (char)kind switch
    {
        'b' => '\b',
        'f' => '\f',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => (char)kind,
    };
}
