using System.Text;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Takes PostgreSQL's text form of an array apart: braces, commas, elements bare or in double quotes with backslash
/// escapes, and NULL. Source: PostgreSQL's documentation, "Array Input and Output Syntax".
/// </summary>
/// <param name="scratch">At least as long as the text; holds the element that was read last, without its
/// escapes.</param>
internal ref struct ArrayLiteral(ReadOnlySpan<byte> text, Span<byte> scratch)
{
    private readonly Span<byte> scratch = scratch;
    private ReadOnlySpan<byte> rest = text;
    private bool isValueDue = true;
    private bool isJustOpened;

    public enum Token
    {
        Malformed,
        Open,
        Close,
        Element,
        Null,
    }

    public readonly bool AtEnd => rest.IsEmpty;

    /// <summary>The next token; commas are checked and passed over.</summary>
    public Token Next(out ReadOnlySpan<byte> element)
    {
        element = default;
        SkipSpaces();
        if (!isValueDue && Take(','))
        {
            isValueDue = true;
            isJustOpened = false;
            SkipSpaces();
        }
        if ((!isValueDue || isJustOpened) && Take('}'))
        {
            isValueDue = isJustOpened = false;
            return Token.Close;
        }
        if (!isValueDue || rest.IsEmpty) return Token.Malformed;
        isJustOpened = Take('{');
        if (isJustOpened) return Token.Open;
        isValueDue = false;
        return Take('"') ? TakeQuoted(out element) : TakeBare(out element);
    }

    private Token TakeQuoted(out ReadOnlySpan<byte> element)
    {
        element = default;
        var length = 0;
        while (!rest.IsEmpty)
        {
            if (Take('"'))
            {
                element = scratch[..length];
                return Token.Element;
            }
            if (!TryTakeByte(out scratch[length++], out _)) break;
        }
        return Token.Malformed;
    }

    private Token TakeBare(out ReadOnlySpan<byte> element)
    {
        element = default;
        var length = 0;
        var kept = 0;
        var hasEscape = false;
        while (!rest.IsEmpty && rest[0] is not ((byte)',' or (byte)'}'))
        {
            if (rest[0] is (byte)'{' or (byte)'"') return Token.Malformed;
            if (!TryTakeByte(out var value, out var isEscaped)) return Token.Malformed;
            scratch[length++] = value;
            // White space at the end of a bare element does not belong to it, unless it is escaped.
            if (isEscaped || !IsSpace(value)) kept = length;
            hasEscape |= isEscaped;
        }
        if (kept == 0) return Token.Malformed;
        element = scratch[..kept];
        return !hasEscape && Ascii.EqualsIgnoreCase(element, "NULL"u8) ? Token.Null : Token.Element;
    }

    private bool TryTakeByte(out byte value, out bool isEscaped)
    {
        value = 0;
        isEscaped = Take('\\');
        if (rest.IsEmpty) return false;
        value = rest[0];
        rest = rest[1..];
        return true;
    }

    private bool Take(char expected)
    {
        if (rest.IsEmpty || rest[0] != expected) return false;
        rest = rest[1..];
        return true;
    }

    private void SkipSpaces()
    {
        while (!rest.IsEmpty && IsSpace(rest[0])) rest = rest[1..];
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
}
