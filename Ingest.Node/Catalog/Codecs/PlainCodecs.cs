using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>bool</c>: one byte. Text is what PostgreSQL reads: true, yes, on, 1, false, no, off, 0, in any case, cut
/// anywhere where it is still unique.
/// </summary>
internal sealed class BooleanCodec() : ScalarCodec("bool")
{
    private const string NotABoolean = "is not true or false";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (Abbreviates(utf8, "true"u8, 1) || Abbreviates(utf8, "yes"u8, 1) || Abbreviates(utf8, "on"u8, 2)
            || utf8.SequenceEqual("1"u8)) return EncodeBoolean(true, writer);
        if (Abbreviates(utf8, "false"u8, 1) || Abbreviates(utf8, "no"u8, 1) || Abbreviates(utf8, "off"u8, 2)
            || utf8.SequenceEqual("0"u8)) return EncodeBoolean(false, writer);
        return NotABoolean;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) =>
        json.WriteBooleanValue(field[0] != 0);

    protected override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer) => NotABoolean;

    protected override string? EncodeBoolean(bool value, TupleWriter writer)
    {
        writer.WriteByte(value ? (byte)1 : (byte)0);
        return null;
    }

    private static bool Abbreviates(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word, int atLeast) =>
        text.Length >= atLeast && text.Length <= word.Length && Ascii.EqualsIgnoreCase(text, word[..text.Length]);
}

/// <summary>
/// <c>uuid</c>: 16 bytes as they are written. Text is 32 hexadecimal digits in any case, with a hyphen behind any four
/// of them or none, in braces or not, as PostgreSQL reads it.
/// </summary>
internal sealed class UuidCodec() : ScalarCodec("uuid")
{
    private const int Bytes = 16;
    private const string NotAUuid = "is not a uuid";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        // Nearly all come in this form, and the framework reads it many bytes at a time.
        if (utf8.Length == 36 && Utf8Parser.TryParse(utf8, out Guid guid, out var length) && length == utf8.Length)
        {
            guid.TryWriteBytes(writer.Append(Bytes), bigEndian: true, out _);
            return null;
        }
        if (utf8.Length > 2 && utf8[0] == '{' && utf8[^1] == '}') utf8 = utf8[1..^1];
        var field = writer.Append(Bytes);
        for (var index = 0; index < Bytes; index++)
        {
            if (Convert.FromHexString(utf8[..Math.Min(2, utf8.Length)], field.Slice(index, 1), out _, out var written)
                != OperationStatus.Done || written != 1) return NotAUuid;
            utf8 = utf8[2..];
            var isBehindFour = index % 2 == 1 && index < Bytes - 1;
            if (isBehindFour && !utf8.IsEmpty && utf8[0] == '-') utf8 = utf8[1..];
        }
        return utf8.IsEmpty ? null : NotAUuid;
    }

    public override string? EncodeBytes(ReadOnlySpan<byte> value, TupleWriter writer)
    {
        if (value.Length != Bytes) return NotAUuid;
        writer.Write(value);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) =>
        json.WriteStringValue(new Guid(field, bigEndian: true));
}

/// <summary>
/// <c>bytea</c>: the bytes. Text that begins with <c>\x</c> is hexadecimal, as PostgreSQL prints it; any other text is
/// base64, the way that JSON has for bytes. PostgreSQL's older escape form is not taken.
/// </summary>
internal sealed class ByteaCodec() : ScalarCodec("bytea")
{
    private const string NotBytes = "is neither base64 nor hexadecimal behind \\x";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        var start = writer.Length;
        var isHex = utf8.StartsWith("\\x"u8);
        var field = writer.Append(isHex ? utf8.Length / 2 - 1 : Base64.GetMaxDecodedFromUtf8Length(utf8.Length));
        var length = 0;
        var status = isHex
            ? Convert.FromHexString(utf8[2..], field, out _, out length)
            : Base64.DecodeFromUtf8(utf8, field, out _, out length);
        writer.Truncate(start + length);
        return status == OperationStatus.Done ? null : NotBytes;
    }

    public override string? EncodeBytes(ReadOnlySpan<byte> value, TupleWriter writer)
    {
        writer.Write(value);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) => json.WriteBase64StringValue(field);
}
