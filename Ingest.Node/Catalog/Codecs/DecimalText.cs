namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// A decimal number taken apart without a loss: <c>[sign] digits [. digits] [e [sign] digits]</c>, as JSON and
/// PostgreSQL write it, with at least one digit before or behind the point.
/// </summary>
internal readonly ref struct DecimalText
{
    /// <summary>Exponents are held within plus and minus this, far beyond what any type can keep.</summary>
    public const int ExponentLimit = 1_000_000_000;

    private readonly ReadOnlySpan<byte> whole;
    private readonly ReadOnlySpan<byte> fraction;
    private readonly int exponent;

    private DecimalText(bool isNegative, ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, int exponent)
    {
        IsNegative = isNegative;
        this.whole = whole;
        this.fraction = fraction;
        this.exponent = exponent;
        var lead = whole.IndexOfAnyExcept((byte)'0');
        if (lead < 0 && fraction.IndexOfAnyExcept((byte)'0') is var behind and >= 0) lead = whole.Length + behind;
        if (lead < 0) return;
        var tail = fraction.LastIndexOfAnyExcept((byte)'0');
        tail = tail >= 0 ? whole.Length + tail : whole.LastIndexOfAnyExcept((byte)'0');
        IsZero = false;
        Highest = ExponentOf(lead);
        Lowest = ExponentOf(tail);
    }

    public bool IsNegative { get; }

    public bool IsZero { get; } = true;

    /// <summary>The power of ten of the first digit that is not 0; 0 where the number is 0.</summary>
    public int Highest { get; }

    /// <summary>The power of ten of the last digit that is not 0; 0 where the number is 0.</summary>
    public int Lowest { get; }

    /// <summary>The number of digits behind the point that the text asks for, trailing zeros counted.</summary>
    public int Scale => Math.Max(0, fraction.Length - exponent);

    /// <summary>False where the exponent was cut to <see cref="ExponentLimit"/>, which only a 0 can survive.</summary>
    public bool HasSaneExponent => Math.Abs(exponent) < ExponentLimit;

    /// <summary>The digit for a power of ten, 0 to 9.</summary>
    public int Digit(int power)
    {
        var index = (long)whole.Length - 1 + exponent - power;
        if (index < 0 || index >= whole.Length + fraction.Length) return 0;
        return (index < whole.Length ? whole[(int)index] : fraction[(int)index - whole.Length]) - '0';
    }

    public static bool TryRead(ReadOnlySpan<byte> text, out DecimalText number)
    {
        number = default;
        var negative = !text.IsEmpty && text[0] == '-';
        if (!text.IsEmpty && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        var whole = TakeDigits(ref text);
        var fraction = ReadOnlySpan<byte>.Empty;
        if (!text.IsEmpty && text[0] == '.')
        {
            text = text[1..];
            fraction = TakeDigits(ref text);
        }
        if (whole.IsEmpty && fraction.IsEmpty) return false;
        if (!TryTakeExponent(ref text, out var exponent) || !text.IsEmpty) return false;
        number = new DecimalText(negative, whole, fraction, exponent);
        return true;
    }

    private static bool TryTakeExponent(scoped ref ReadOnlySpan<byte> text, out int exponent)
    {
        exponent = 0;
        if (text.IsEmpty || text[0] is not ((byte)'e' or (byte)'E')) return true;
        text = text[1..];
        var negative = !text.IsEmpty && text[0] == '-';
        if (!text.IsEmpty && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        var digits = TakeDigits(ref text);
        foreach (var digit in digits) exponent = (int)Math.Min(ExponentLimit, exponent * 10L + digit - '0');
        if (negative) exponent = -exponent;
        return !digits.IsEmpty;
    }

    private static ReadOnlySpan<byte> TakeDigits(scoped ref ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var digits = end < 0 ? text : text[..end];
        text = text[digits.Length..];
        return digits;
    }

    private int ExponentOf(int index) => whole.Length - 1 - index + exponent;
}
