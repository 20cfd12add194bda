using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Text: the field is the UTF-8 itself. Only JSON strings are taken; a number or a boolean in a text column is more
/// often a mistake of the caller than a wish.
/// </summary>
/// <param name="limit">The n of <c>varchar(n)</c> and <c>char(n)</c> in code points; 0 where there is none.</param>
internal class TextCodec(string name, int limit = 0) : ScalarCodec(name)
{
    private const byte Space = (byte)' ';
    private readonly string tooLong = $"is longer than {limit} characters";

    /// <summary>The characters that a value may have at most; 0 for no limit.</summary>
    public int Limit => limit;

    public sealed override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        var start = writer.Length;
        writer.Write(utf8);
        return Finish(writer, start);
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) => json.WriteStringValue(field);

    protected sealed override string? EncodeEscaped(ReadOnlySpan<byte> escaped, TupleWriter writer)
    {
        var start = writer.Length;
        var error = JsonText.Unescape(escaped, writer.Append(escaped.Length), out var length);
        writer.Truncate(start + length);
        return error ?? Finish(writer, start);
    }

    /// <summary>Judges a text that is valid in itself, and says how much of it is kept.</summary>
    protected virtual string? Check(ReadOnlySpan<byte> text, out int kept)
    {
        kept = text.Length;
        // A text has at most as many code points as bytes.
        if (limit == 0 || text.Length <= limit) return null;
        var end = OffsetOf(text, limit);
        // SQL lets spaces go that do not fit, for varchar(n) as for char(n), and so does PostgreSQL.
        if (text[end..].ContainsAnyExcept(Space)) return tooLong;
        kept = end;
        return null;
    }

    /// <summary>Judges what was written from <paramref name="start"/> on, in place.</summary>
    private string? Finish(TupleWriter writer, int start)
    {
        var text = writer.Written[start..];
        if (!Utf8.IsValid(text)) return "is not valid UTF-8";
        if (text.Contains((byte)0)) return "holds the character U+0000, which PostgreSQL cannot keep in text";
        var error = Check(text, out var kept);
        writer.Truncate(start + kept);
        return error;
    }

    /// <summary>The offset of a code point by its number; the length where there are not so many.</summary>
    private static int OffsetOf(ReadOnlySpan<byte> text, int codePoint)
    {
        for (var offset = 0; offset < text.Length; offset++)
        {
            var continues = (text[offset] & 0xC0) == 0x80;
            if (!continues && codePoint-- == 0) return offset;
        }
        return text.Length;
    }
}

/// <summary>
/// <c>name</c>: PostgreSQL's input cuts it to 63 bytes at a character's boundary, but its recv refuses.
/// </summary>
internal sealed class NameCodec() : TextCodec("name")
{
    private const int MaxBytes = 63;

    protected override string? Check(ReadOnlySpan<byte> text, out int kept)
    {
        kept = Math.Min(text.Length, MaxBytes);
        while (kept < text.Length && (text[kept] & 0xC0) == 0x80) kept--;
        return null;
    }
}

/// <summary>
/// An enum: the field is the label's text. A label that the catalog does not know is refused at once.
/// </summary>
/// <param name="type">The enum's name, for messages.</param>
/// <param name="labels">The labels; empty takes any, for a codec that only decodes.</param>
internal sealed class EnumCodec(string type, IEnumerable<string> labels) : TextCodec("enum")
{
    private readonly byte[][] known = [.. labels.Select(Encoding.UTF8.GetBytes)];
    private readonly string unknown = $"is not a label of the enum {type}";

    /// <summary>The labels in the enum's order.</summary>
    public IEnumerable<string> Labels => known.Select(Encoding.UTF8.GetString);

    protected override string? Check(ReadOnlySpan<byte> text, out int kept)
    {
        kept = text.Length;
        if (known.Length == 0) return null;
        foreach (var label in known)
        {
            if (text.SequenceEqual(label)) return null;
        }
        return unknown;
    }
}

/// <summary>
/// Any other type: the text that PostgreSQL's input function of the type reads. COPY cannot write it as it is; the
/// writer sends it through a staging table's text column and a cast. Numbers and booleans count as their text.
/// </summary>
internal sealed class InputCodec() : TextCodec("input")
{
    protected override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer) => EncodeText(utf8, writer);

    protected override string? EncodeBoolean(bool value, TupleWriter writer) =>
        EncodeText(value ? "true"u8 : "false"u8, writer);
}
