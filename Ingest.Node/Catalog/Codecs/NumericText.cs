using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Writes the fields of <see cref="NumericCodec"/> as decimals, which keep every digit: plain ones, but for a number
/// that consists of padding mostly. 1e131071 has ten bytes as a field; a row full of such would be gigabytes of zeros.
/// </summary>
internal static class NumericText
{
    private const int HeaderBytes = 8;
    private const int DigitsPerGroup = 4;

    /// <summary>Zeros in a row, before or behind the digits that a field holds, that are still written out.</summary>
    private const int MostZeros = 40;

    /// <summary>A JSON number where the value is finite; else a string.</summary>
    public static void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        switch ((int)BinaryPrimitives.ReadUInt16BigEndian(field[4..]))
        {
            case NumericCodec.NaNSign: json.WriteStringValue("NaN"u8); return;
            case NumericCodec.PositiveInfinitySign: json.WriteStringValue("Infinity"u8); return;
            case NumericCodec.NegativeInfinitySign: json.WriteStringValue("-Infinity"u8); return;
            case var sign: WriteFinite(field, sign == NumericCodec.NegativeSign, json); return;
        }
    }

    private static void WriteFinite(ReadOnlySpan<byte> field, bool isNegative, Utf8JsonWriter json)
    {
        var weight = BinaryPrimitives.ReadInt16BigEndian(field[2..]);
        var scale = BinaryPrimitives.ReadInt16BigEndian(field[6..]);
        var groups = (field.Length - HeaderBytes) / sizeof(short);
        var behind = (weight + 1 - groups) * DigitsPerGroup;
        var before = groups == 0 ? scale : -(weight + 1) * DigitsPerGroup;
        if (scale == 0 ? behind > MostZeros : before > MostZeros)
        {
            WriteWithExponent(field, isNegative, scale == 0 ? behind : -scale, json);
            return;
        }

        var text = ArrayPool<byte>.Shared.Rent((Math.Max((int)weight, 0) + 1) * DigitsPerGroup + scale + 2);
        var length = 0;
        if (isNegative) text[length++] = (byte)'-';
        for (var power = Math.Max(weight * DigitsPerGroup + DigitsPerGroup - 1, 0); power >= 0; power--)
        {
            var digit = Digit(field, weight, power);
            var isLeadingZero = digit == '0' && power > 0 && length == (isNegative ? 1 : 0);
            if (!isLeadingZero) text[length++] = digit;
        }
        if (scale > 0) text[length++] = (byte)'.';
        for (var power = -1; power >= -scale; power--) text[length++] = Digit(field, weight, power);
        json.WriteRawValue(text.AsSpan(0, length), skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(text);
    }

    /// <summary>Writes the digits down to a power of ten as a whole number, with that power as its exponent. A negative
    /// exponent is also the number's scale.</summary>
    private static void WriteWithExponent(
        ReadOnlySpan<byte> field, bool isNegative, int exponent, Utf8JsonWriter json)
    {
        const int longestExponent = 7;
        int weight = BinaryPrimitives.ReadInt16BigEndian(field[2..]);
        var highest = field.Length == HeaderBytes ? exponent : weight * DigitsPerGroup + DigitsPerGroup - 1;
        while (highest > exponent && Digit(field, weight, highest) == '0') highest--;
        var text = ArrayPool<byte>.Shared.Rent(Math.Max(highest - exponent, 0) + 3 + longestExponent);
        var length = 0;
        if (isNegative) text[length++] = (byte)'-';
        for (var power = Math.Max(highest, exponent); power >= exponent; power--)
            text[length++] = Digit(field, weight, power);
        text[length++] = (byte)'e';
        Utf8Formatter.TryFormat(exponent, text.AsSpan(length), out var digits);
        json.WriteRawValue(text.AsSpan(0, length + digits), skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(text);
    }

    /// <summary>The decimal digit for a power of ten, as a character.</summary>
    private static byte Digit(ReadOnlySpan<byte> field, int weight, int power)
    {
        var offset = HeaderBytes + (weight - (power >> 2)) * sizeof(short);
        if (offset < HeaderBytes || offset >= field.Length) return (byte)'0';
        int group = BinaryPrimitives.ReadInt16BigEndian(field[offset..]);
        var divisor = (power & 3) switch { 0 => 1, 1 => 10, 2 => 100, _ => 1000 };
        return (byte)('0' + group / divisor % 10);
    }
}
