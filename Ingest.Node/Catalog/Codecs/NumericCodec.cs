using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>numeric</c>, exact from the digits. The field, as <c>numeric_recv</c> reads it: the count of base-10000 digits,
/// the weight of the first, the sign, the number of decimal digits to show behind the point, and the digits, 2 bytes
/// each. PostgreSQL rounds to numeric(p,s) while it reads a field, as it does for INSERT; what does not fit is
/// refused here.
/// </summary>
internal sealed class NumericCodec : ScalarCodec
{
    public const int PositiveSign = 0x0000;
    public const int NegativeSign = 0x4000;
    public const int NaNSign = 0xC000;
    public const int PositiveInfinitySign = 0xD000;
    public const int NegativeInfinitySign = 0xF000;

    private const string NotANumber = "is not a number";
    private const string OutOfRange = "is out of range for numeric";

    // The limits of the format on disk: 14 bits for the scale, 16 for the weight.
    private const int MaxScale = 0x3FFF;
    private const int MaxWeight = short.MaxValue;
    private const int DigitsPerGroup = 4;

    private readonly int precision;
    private readonly int scale;
    private readonly string doesNotFit;

    /// <param name="modifier">As in <c>atttypmod</c>: precision, and 11 bits of scale with its sign, plus 4; -1 for
    /// none.</param>
    public NumericCodec(int modifier) : base("numeric")
    {
        if (modifier >= 4)
        {
            precision = ((modifier - 4) >> 16) & 0xFFFF;
            scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;
        }
        doesNotFit = $"does not fit numeric({precision},{scale})";
    }

    /// <summary>The p of <c>numeric(p,s)</c>; 0 where there is none.</summary>
    public int Precision => precision;

    /// <summary>The s of <c>numeric(p,s)</c>, which may be negative.</summary>
    public int Scale => scale;

    private bool HasModifier => precision > 0;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        return SpecialNumber.TryRead(utf8, out var special)
            ? EncodeSpecial(special, writer)
            : EncodeNumber(utf8, writer);
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) => NumericText.WriteJson(field, json);

    protected override string? EncodeBoolean(bool value, TupleWriter writer) => NotANumber;

    protected override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        if (!DecimalText.TryRead(utf8, out var number)) return NotANumber;
        // A plain INSERT reads the whole number before it rounds to the column's modifier.
        if (!IsInRange(number)) return OutOfRange;
        if (HasModifier && IsTooLarge(number)) return doesNotFit;
        var shown = number.Scale;
        var lowest = number.Lowest;
        if (HasModifier)
        {
            // Rounding looks at one digit behind those that stay, so none further is sent.
            shown = Math.Min(shown, Math.Max(scale, 0) + 1);
            lowest = Math.Max(lowest, -shown);
        }
        Write(number, lowest, shown, writer);
        return null;
    }

    /// <summary>
    /// Says, without encoding it, whether numeric can hold a number; jsonb keeps its numbers as numeric.
    /// </summary>
    public static bool IsInRange(ReadOnlySpan<byte> utf8) =>
        DecimalText.TryRead(utf8, out var number) && IsInRange(number);

    private static bool IsInRange(in DecimalText number) =>
        number.HasSaneExponent && number.Scale <= MaxScale && (number.IsZero || Group(number.Highest) <= MaxWeight);

    private static void Write(in DecimalText number, int lowest, int shown, TupleWriter writer)
    {
        if (number.IsZero || lowest > number.Highest)
        {
            WriteHeader(writer, 0, 0, PositiveSign, shown);
            return;
        }
        var first = Group(number.Highest);
        var last = Group(lowest);
        // A cut may have left groups of zeros at the end, which the format does not want.
        while (last < first && Value(number, last, lowest) == 0) last++;
        WriteHeader(writer, first - last + 1, first, number.IsNegative ? NegativeSign : PositiveSign, shown);
        for (var group = first; group >= last; group--) writer.WriteInt16((short)Value(number, group, lowest));
    }

    /// <summary>One base-10000 digit; decimal digits below the power <paramref name="lowest"/> count as 0.</summary>
    private static int Value(in DecimalText number, int group, int lowest)
    {
        var value = 0;
        for (var power = group * DigitsPerGroup + DigitsPerGroup - 1; power >= group * DigitsPerGroup; power--)
            value = value * 10 + (power < lowest ? 0 : number.Digit(power));
        return value;
    }

    private static int Group(int power) => power >> 2;

    /// <summary>
    /// True where the value, rounded half away from zero to the scale, has more than the precision's digits.
    /// </summary>
    private bool IsTooLarge(in DecimalText number)
    {
        var top = precision - scale - 1;
        if (number.IsZero || number.Highest < top) return false;
        if (number.Highest > top) return true;
        // Only a value of all nines can still round up to one more digit.
        for (var power = top; power >= -scale; power--)
        {
            if (number.Digit(power) != 9) return false;
        }
        return number.Digit(-scale - 1) >= 5;
    }

    private string? EncodeSpecial(SpecialNumber.Kind kind, TupleWriter writer)
    {
        if (HasModifier && kind != SpecialNumber.Kind.NaN) return doesNotFit;
        WriteHeader(writer, 0, 0, kind switch
        {
            SpecialNumber.Kind.NaN => NaNSign,
            SpecialNumber.Kind.PositiveInfinity => PositiveInfinitySign,
            _ => NegativeInfinitySign,
        }, 0);
        return null;
    }

    private static void WriteHeader(TupleWriter writer, int digits, int weight, int sign, int shown)
    {
        writer.WriteInt16(unchecked((short)digits));
        writer.WriteInt16((short)weight);
        writer.WriteInt16(unchecked((short)sign));
        writer.WriteInt16((short)shown);
    }
}
