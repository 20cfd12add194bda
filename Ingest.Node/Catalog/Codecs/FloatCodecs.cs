using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>float4</c> and <c>float8</c>: IEEE 754 in 4 and 8 bytes, rounded from the digits once. As in PostgreSQL, a
/// value too large is refused, and so is one so small that it would become 0. Text may also be NaN, Infinity, inf,
/// and their negatives.
/// </summary>
internal abstract class FloatCodec(string name) : ScalarCodec(name)
{
    protected const string NotANumber = "is not a number";

    private static readonly SearchValues<byte> Alphabet = SearchValues.Create("0123456789+-.eE"u8);

    protected string OutOfRange { get; } = $"is out of range for {name}";

    public sealed override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (SpecialNumber.TryRead(utf8, out var special))
        {
            WriteSpecial(special, writer);
            return null;
        }
        return EncodeNumber(utf8, writer);
    }

    protected sealed override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        // The parsers take words for infinity in their own spelling; only digits may reach them.
        if (utf8.ContainsAnyExcept(Alphabet)) return NotANumber;
        return EncodeDigits(utf8, writer);
    }

    protected override string? EncodeBoolean(bool value, TupleWriter writer) => NotANumber;

    protected abstract string? EncodeDigits(ReadOnlySpan<byte> utf8, TupleWriter writer);

    protected abstract void WriteSpecial(SpecialNumber.Kind kind, TupleWriter writer);

    /// <summary>True where digits other than 0 were rounded to 0.</summary>
    protected static bool IsUnderflow(ReadOnlySpan<byte> utf8)
    {
        var end = utf8.IndexOfAny((byte)'e', (byte)'E');
        return (end < 0 ? utf8 : utf8[..end]).IndexOfAnyInRange((byte)'1', (byte)'9') >= 0;
    }
}

/// <inheritdoc/>
internal sealed class Float4Codec() : FloatCodec("float4")
{
    // The NaN of PostgreSQL has no sign; that of .NET has one.
    private const int NaNBits = 0x7FC00000;

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var value = BinaryPrimitives.ReadSingleBigEndian(field);
        if (float.IsFinite(value)) json.WriteNumberValue(value);
        else json.WriteStringValue(SpecialNumber.Text(value));
    }

    protected override string? EncodeDigits(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        if (!float.TryParse(utf8, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) return NotANumber;
        if (float.IsInfinity(value) || (value == 0 && IsUnderflow(utf8))) return OutOfRange;
        BinaryPrimitives.WriteSingleBigEndian(writer.Append(sizeof(float)), value);
        return null;
    }

    protected override void WriteSpecial(SpecialNumber.Kind kind, TupleWriter writer) => writer.WriteInt32(kind switch
    {
        SpecialNumber.Kind.PositiveInfinity => BitConverter.SingleToInt32Bits(float.PositiveInfinity),
        SpecialNumber.Kind.NegativeInfinity => BitConverter.SingleToInt32Bits(float.NegativeInfinity),
        _ => NaNBits,
    });
}

/// <inheritdoc/>
internal sealed class Float8Codec() : FloatCodec("float8")
{
    private const long NaNBits = 0x7FF8000000000000;

    public override string? EncodeTyped(double value, TupleWriter writer)
    {
        if (!double.IsFinite(value)) return base.EncodeTyped(value, writer);
        BinaryPrimitives.WriteDoubleBigEndian(writer.Append(sizeof(double)), value);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var value = BinaryPrimitives.ReadDoubleBigEndian(field);
        if (double.IsFinite(value)) json.WriteNumberValue(value);
        else json.WriteStringValue(SpecialNumber.Text(value));
    }

    protected override string? EncodeDigits(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        if (!double.TryParse(utf8, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) return NotANumber;
        if (double.IsInfinity(value) || (value == 0 && IsUnderflow(utf8))) return OutOfRange;
        BinaryPrimitives.WriteDoubleBigEndian(writer.Append(sizeof(double)), value);
        return null;
    }

    protected override void WriteSpecial(SpecialNumber.Kind kind, TupleWriter writer) => writer.WriteInt64(kind switch
    {
        SpecialNumber.Kind.PositiveInfinity => BitConverter.DoubleToInt64Bits(double.PositiveInfinity),
        SpecialNumber.Kind.NegativeInfinity => BitConverter.DoubleToInt64Bits(double.NegativeInfinity),
        _ => NaNBits,
    });
}
