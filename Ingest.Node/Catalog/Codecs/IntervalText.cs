using System.Text;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Reads intervals: ISO 8601 durations (<c>P1Y2M3DT4H5M6.7S</c>, <c>P2W</c>, a sign at any part) and what PostgreSQL prints
/// (<c>1 year 2 mons -3 days 04:05:06.7</c>, also with <c>ago</c> at the end). Only seconds and what is below may have a fraction.
/// </summary>
internal ref struct IntervalText(ReadOnlySpan<byte> text)
{
    private const int MaxDigits = 18;

    private ReadOnlySpan<byte> rest = text;
    private Int128 months;
    private Int128 days;
    private Int128 micros;

    /// <summary>False where a part is too large for the type; PostgreSQL keeps 4, 4 and 8 bytes.</summary>
    public readonly bool IsInRange =>
        months >= int.MinValue && months <= int.MaxValue && days >= int.MinValue && days <= int.MaxValue
        && micros >= long.MinValue && micros <= long.MaxValue;

    public readonly int Months => (int)months;

    public readonly int Days => (int)days;

    public readonly long TimeMicros => (long)micros;

    /// <summary>Reads the whole text; false where it is not an interval.</summary>
    public bool TryRead() => Take('P') ? TryReadIso() : TryReadVerbose();

    private bool TryReadIso()
    {
        var inTime = Take('T');
        var parts = 0;
        while (!rest.IsEmpty)
        {
            if (!inTime && Take('T')) inTime = true;
            if (!TakeNumber(out var value, out var fraction) || rest.IsEmpty) return false;
            var unit = rest[..1];
            rest = rest[1..];
            if (!(inTime ? AddIsoTime(unit[0], value, fraction) : AddIsoDate(unit[0], value, fraction))) return false;
            parts++;
        }
        return parts > 0;
    }

    private bool AddIsoDate(byte unit, Int128 value, long fraction) => fraction == 0 && (char)unit switch
    {
        'Y' => AddMonths(value * 12),
        'M' => AddMonths(value),
        'W' => AddDays(value * 7),
        'D' => AddDays(value),
        _ => false,
    };

    private bool AddIsoTime(byte unit, Int128 value, long fraction) => (char)unit switch
    {
        'H' => fraction == 0 && AddMicros(value * Micros.PerHour),
        'M' => fraction == 0 && AddMicros(value * Micros.PerMinute),
        'S' => AddMicros(value * Micros.PerSecond + fraction),
        _ => false,
    };

    private bool TryReadVerbose()
    {
        if (Take('@')) SkipSpaces();
        var parts = 0;
        while (!rest.IsEmpty)
        {
            if (parts > 0 && TakeAgo()) return true;
            if (!TakeClock() && !TakeNumberAndUnit()) return false;
            parts++;
            if (!rest.IsEmpty && !SkipSpaces()) return false;
        }
        return parts > 0;
    }

    private bool TakeAgo()
    {
        if (!Ascii.EqualsIgnoreCase(rest, "ago"u8)) return false;
        (months, days, micros) = (-months, -days, -micros);
        return true;
    }

    /// <summary>Takes <c>[sign]H:MM[:SS[.fraction]]</c>, with any number of hours; nothing where there is none.</summary>
    private bool TakeClock()
    {
        var end = rest.IndexOf((byte)' ');
        var word = end < 0 ? rest : rest[..end];
        var colon = word.IndexOf((byte)':');
        if (colon < 0) return false;
        var sign = TakeSign(ref word, out var isNegative) ? 1 : 0;
        if (!TryDigits(word[..(colon - sign)], out var hours)) return false;
        var text = new TemporalText(word[(colon - sign + 1)..]);
        var seconds = 0;
        var fraction = 0L;
        if (!text.TakeDigits(1, 2, out var minutes) || minutes > 59) return false;
        if (text.Take(':') && (!text.TakeDigits(1, 2, out seconds) || !text.TakeFraction(out fraction))) return false;
        if (!text.AtEnd || seconds > 59) return false;
        var total = hours * Micros.PerHour + minutes * Micros.PerMinute + seconds * Micros.PerSecond + fraction;
        rest = end < 0 ? default : rest[end..];
        return AddMicros(isNegative ? -total : total);
    }

    private bool TakeNumberAndUnit()
    {
        if (!TakeNumber(out var value, out var fraction)) return false;
        SkipSpaces();
        var end = rest.IndexOfAny((byte)' ', (byte)'+', (byte)'-');
        var unit = end < 0 ? rest : rest[..end];
        rest = rest[unit.Length..];
        if (IsUnit(unit, "s", "sec", "second")) return AddMicros(value * Micros.PerSecond + fraction);
        if (fraction != 0) return false;
        if (IsUnit(unit, "y", "yr", "year")) return AddMonths(value * 12);
        if (IsUnit(unit, "mon", "mon", "month")) return AddMonths(value);
        if (IsUnit(unit, "w", "week", "week")) return AddDays(value * 7);
        if (IsUnit(unit, "d", "day", "day")) return AddDays(value);
        if (IsUnit(unit, "h", "hr", "hour")) return AddMicros(value * Micros.PerHour);
        if (IsUnit(unit, "m", "min", "minute")) return AddMicros(value * Micros.PerMinute);
        if (IsUnit(unit, "ms", "msec", "millisecond")) return AddMicros(value * 1000);
        return IsUnit(unit, "us", "usec", "microsecond") && AddMicros(value);
    }

    private static bool IsUnit(ReadOnlySpan<byte> word, string letter, string brief, string full)
    {
        if (Ascii.EqualsIgnoreCase(word, letter)) return true;
        if (word.Length > 1 && word[^1] is (byte)'s' or (byte)'S') word = word[..^1];
        return Ascii.EqualsIgnoreCase(word, brief) || Ascii.EqualsIgnoreCase(word, full);
    }

    /// <summary>Takes a number with a sign, and a fraction in millionths that has the number's sign.</summary>
    private bool TakeNumber(out Int128 value, out long fraction)
    {
        TakeSign(ref rest, out var isNegative);
        fraction = 0;
        var end = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (!TryDigits(end < 0 ? rest : rest[..end], out value)) return false;
        rest = end < 0 ? default : rest[end..];
        if (!rest.IsEmpty && rest[0] == '.')
        {
            var behind = rest[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            var digits = behind < 0 ? rest : rest[..(behind + 1)];
            rest = rest[digits.Length..];
            if (!new TemporalText(digits).TakeFraction(out fraction)) return false;
        }
        if (isNegative) (value, fraction) = (-value, -fraction);
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<byte> digits, out Int128 value)
    {
        value = 0;
        if (digits.IsEmpty || digits.Length > MaxDigits) return false;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            value = value * 10 + digit - '0';
        }
        return true;
    }

    private static bool TakeSign(ref ReadOnlySpan<byte> text, out bool isNegative)
    {
        isNegative = !text.IsEmpty && text[0] == '-';
        var isThere = isNegative || (!text.IsEmpty && text[0] == '+');
        if (isThere) text = text[1..];
        return isThere;
    }

    private bool Take(char expected)
    {
        if (rest.IsEmpty || rest[0] != expected) return false;
        rest = rest[1..];
        return true;
    }

    private bool SkipSpaces()
    {
        var before = rest.Length;
        rest = rest.TrimStart((byte)' ');
        return rest.Length < before;
    }

    private bool AddMonths(Int128 value)
    {
        months += value;
        return true;
    }

    private bool AddDays(Int128 value)
    {
        days += value;
        return true;
    }

    private bool AddMicros(Int128 value)
    {
        micros += value;
        return true;
    }
}
