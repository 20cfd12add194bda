using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>int2</c>, <c>int4</c> and <c>int8</c>: two's complement in <paramref name="size"/> bytes. A JSON number may be
/// written with a fraction or an exponent as long as its value is whole (1.0, 1e3); text is digits with a sign.
/// </summary>
internal sealed class IntegerCodec(string name, int size) : ScalarCodec(name)
{
    private const string NotAnInteger = "is not an integer";

    // 10^18 is the greatest power of ten in an int8.
    private const int MaxPower = 18;

    private readonly long min = long.MinValue >> (64 - size * 8);
    private readonly long max = long.MaxValue >> (64 - size * 8);
    private readonly string outOfRange = $"is out of range for {name}";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (TryReadShort(utf8, out var value)) return Write(value, writer);
        var digits = utf8.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;
        return digits && DecimalText.TryRead(utf8, out var number) ? EncodeDecimal(number, writer) : NotAnInteger;
    }

    public override string? EncodeTyped(long value, TupleWriter writer) => Write(value, writer);

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) => json.WriteNumberValue(size switch
    {
        2 => BinaryPrimitives.ReadInt16BigEndian(field),
        4 => BinaryPrimitives.ReadInt32BigEndian(field),
        _ => BinaryPrimitives.ReadInt64BigEndian(field),
    });

    protected override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        if (TryReadShort(utf8, out var value)) return Write(value, writer);
        return DecimalText.TryRead(utf8, out var number) ? EncodeDecimal(number, writer) : NotAnInteger;
    }

    protected override string? EncodeBoolean(bool value, TupleWriter writer) => NotAnInteger;

    /// <summary>
    /// Reads what nearly all integers look like; what it does not read may be an integer all the same.
    /// </summary>
    private static bool TryReadShort(ReadOnlySpan<byte> utf8, out long value) =>
        Utf8Parser.TryParse(utf8, out value, out var length) && length == utf8.Length;

    private string? EncodeDecimal(in DecimalText number, TupleWriter writer)
    {
        if (number.Lowest < 0) return NotAnInteger;
        if (number.Highest > MaxPower) return outOfRange;
        Int128 value = 0;
        for (var power = number.Highest; power >= 0; power--) value = value * 10 + number.Digit(power);
        if (number.IsNegative) value = -value;
        return value < long.MinValue || value > long.MaxValue ? outOfRange : Write((long)value, writer);
    }

    private string? Write(long value, TupleWriter writer)
    {
        if (value < min || value > max) return outOfRange;
        switch (size)
        {
            case 2: writer.WriteInt16((short)value); break;
            case 4: writer.WriteInt32((int)value); break;
            default: writer.WriteInt64(value); break;
        }
        return null;
    }
}
