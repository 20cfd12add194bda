using System.Globalization;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Reads dates and times a part at a time from the front of their text: ISO 8601, and what PostgreSQL prints with
/// <c>DateStyle = ISO</c>. Forms whose meaning hangs on a setting of the session (<c>1/2/2026</c>, zone names,
/// <c>today</c>) are refused, so that a row means the same on every server.
/// </summary>
internal ref struct TemporalText(ReadOnlySpan<byte> text)
{
    private const int SecondsPerMinute = 60;
    private const int SecondsPerHour = 3600;
    private const int MaxFractionDigits = 6;

    // PostgreSQL takes no offset of 16 hours or more.
    private const int MaxOffsetHours = 15;

    private ReadOnlySpan<byte> rest = text;

    public readonly bool AtEnd => rest.IsEmpty;

    public bool Take(char expected)
    {
        if (rest.IsEmpty || rest[0] != expected) return false;
        rest = rest[1..];
        return true;
    }

    public bool TakeEither(char one, char other) => Take(one) || Take(other);

    public bool TakeSpaces()
    {
        var before = rest.Length;
        rest = rest.TrimStart((byte)' ');
        return rest.Length < before;
    }

    /// <summary>Takes a run of digits; false where it is shorter or longer than asked for.</summary>
    public bool TakeDigits(int least, int most, out int value)
    {
        value = 0;
        var length = 0;
        while (length < rest.Length && rest[length] is >= (byte)'0' and <= (byte)'9')
        {
            if (length == most) return false;
            value = value * 10 + rest[length++] - '0';
        }
        rest = rest[length..];
        return length >= least;
    }

    /// <summary>Takes <c>YYYY-MM-DD</c>, with more digits for years over 9999.</summary>
    public bool TakeDate(out CivilDate date)
    {
        date = default;
        if (!TakeDigits(4, 7, out var year) || !Take('-')) return false;
        if (!TakeDigits(1, 2, out var month) || !Take('-') || !TakeDigits(1, 2, out var day)) return false;
        date = new CivilDate(year, month, day);
        return true;
    }

    /// <summary>Takes the <c>BC</c> that ends what PostgreSQL prints for years before 1.</summary>
    public bool TakeBc()
    {
        var trimmed = rest.TrimStart((byte)' ');
        if (trimmed.Length == rest.Length || trimmed.Length != 2) return false;
        if ((trimmed[0] | 0x20) != 'b' || (trimmed[1] | 0x20) != 'c') return false;
        rest = default;
        return true;
    }

    /// <summary>
    /// Takes <c>HH:MM[:SS[.fraction]]</c> up to 24:00:00. As in PostgreSQL a second 60 is that of the next minute, and
    /// digits behind the microseconds round.
    /// </summary>
    public bool TakeTime(out long micros)
    {
        micros = 0;
        if (!TakeDigits(1, 2, out var hours) || !Take(':') || !TakeDigits(2, 2, out var minutes)) return false;
        var seconds = 0;
        var fraction = 0L;
        if (Take(':') && (!TakeDigits(2, 2, out seconds) || !TakeFraction(out fraction))) return false;
        if (hours > 24 || minutes > 59 || seconds > 60 || (seconds == 60 && fraction > 0)) return false;
        micros = (hours * (long)SecondsPerHour + minutes * SecondsPerMinute + seconds) * Micros.PerSecond + fraction;
        return micros <= Micros.PerDay;
    }

    /// <summary>Takes <c>.digits</c>, if there, as microseconds.</summary>
    public bool TakeFraction(out long micros)
    {
        micros = 0;
        if (rest.IsEmpty || rest[0] != '.') return true;
        var end = rest[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var fraction = end < 0 ? rest : rest[..(end + 1)];
        rest = rest[fraction.Length..];
        if (fraction.Length == 1) return true;
        if (fraction.Length <= 1 + MaxFractionDigits)
        {
            for (var digit = 1; digit <= MaxFractionDigits; digit++)
                micros = micros * 10 + (digit < fraction.Length ? fraction[digit] - '0' : 0);
            return true;
        }
        // PostgreSQL rounds the double nearest to the fraction, half to even; the same steps give the same microsecond.
        const NumberStyles style = NumberStyles.AllowDecimalPoint;
        if (!double.TryParse(fraction, style, CultureInfo.InvariantCulture, out var part)) return false;
        micros = (long)Math.Round(part * Micros.PerSecond, MidpointRounding.ToEven);
        return true;
    }

    /// <summary>Takes <c>Z</c>, or <c>+HH[[:]MM[:SS]]</c>, behind spaces or none, as seconds east of UTC.</summary>
    /// <param name="isThere">False where the text has no offset here; then nothing is taken.</param>
    public bool TakeOffset(out int seconds, out bool isThere)
    {
        seconds = 0;
        isThere = false;
        var trimmed = rest.TrimStart((byte)' ');
        if (trimmed.IsEmpty || trimmed[0] is not ((byte)'Z' or (byte)'z' or (byte)'+' or (byte)'-')) return true;
        isThere = true;
        rest = trimmed[1..];
        if (trimmed[0] is (byte)'Z' or (byte)'z') return true;
        if (!TakeOffsetParts(out var hours, out var minutes, out var rests)) return false;
        if (hours > MaxOffsetHours || minutes > 59 || rests > 59) return false;
        seconds = hours * SecondsPerHour + minutes * SecondsPerMinute + rests;
        if (trimmed[0] == '-') seconds = -seconds;
        return true;
    }

    private bool TakeOffsetParts(out int hours, out int minutes, out int seconds)
    {
        minutes = seconds = 0;
        var before = rest.Length;
        if (!TakeDigits(1, 4, out hours)) return false;
        switch (before - rest.Length)
        {
            case 3: return false;
            case 4: (hours, minutes) = (hours / 100, hours % 100); return true;
            default: break;
        }
        if (!Take(':')) return true;
        return TakeDigits(2, 2, out minutes) && (!Take(':') || TakeDigits(2, 2, out seconds));
    }
}

/// <summary>PostgreSQL's unit of time.</summary>
internal static class Micros
{
    public const long PerSecond = 1_000_000;
    public const long PerMinute = 60 * PerSecond;
    public const long PerHour = 60 * PerMinute;
    public const long PerDay = 24 * PerHour;
}
