using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>Writes the fields of <see cref="NumericCodec"/> as plain decimals, which keep every digit.</summary>
internal static class NumericText
{
    private const int HeaderBytes = 8;
    private const int DigitsPerGroup = 4;

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
