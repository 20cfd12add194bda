namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// A date of the Gregorian calendar, extended to all times as PostgreSQL does. <see cref="DateTime"/> knows the years
/// 1 to 9999 only. The arithmetic counts years from March, so that the leap day comes last.
/// </summary>
/// <param name="Year">1 is AD 1, 0 is 1 BC, -1 is 2 BC.</param>
internal readonly record struct CivilDate(int Year, int Month, int Day)
{
    private const int YearsPerEra = 400;
    private const int DaysPerEra = 146_097;
    private const int DaysPerYear = 365;

    // From 0000-03-01 to 2000-01-01, the day from which PostgreSQL counts.
    private const int DaysToEpoch = 730_425;

    public bool IsValid => Month is >= 1 and <= 12 && Day >= 1 && Day <= DaysInMonth;

    private int DaysInMonth => Month switch
    {
        2 => IsLeapYear ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    private bool IsLeapYear => Year % 4 == 0 && (Year % 100 != 0 || Year % YearsPerEra == 0);

    /// <summary>Days since 2000-01-01.</summary>
    public long ToDays()
    {
        var marchYear = Month > 2 ? Year : Year - 1;
        var era = Math.DivRem(marchYear, YearsPerEra, out var yearOfEra);
        if (yearOfEra < 0)
        {
            yearOfEra += YearsPerEra;
            era--;
        }
        var dayOfYear = DaysBeforeMonth((Month + 9) % 12) + Day - 1;
        return (long)era * DaysPerEra + DaysBeforeYear(yearOfEra) + dayOfYear - DaysToEpoch;
    }

    /// <summary>The date that is so many days behind 2000-01-01.</summary>
    public static CivilDate FromDays(long days)
    {
        var era = Math.DivRem(days + DaysToEpoch, DaysPerEra, out var left);
        if (left < 0)
        {
            left += DaysPerEra;
            era--;
        }
        var day = (int)left;
        // A first guess is at most one year too high, since leap days only add to 365 a year.
        var yearOfEra = Math.Min(day / DaysPerYear, YearsPerEra - 1);
        var dayOfYear = day - DaysBeforeYear(yearOfEra);
        if (dayOfYear < 0) dayOfYear = day - DaysBeforeYear(--yearOfEra);
        var marchMonth = 11;
        while (DaysBeforeMonth(marchMonth) > dayOfYear) marchMonth--;
        var month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        var year = (int)era * YearsPerEra + yearOfEra + (month <= 2 ? 1 : 0);
        return new CivilDate(year, month, dayOfYear - DaysBeforeMonth(marchMonth) + 1);
    }

    private static int DaysBeforeYear(int yearOfEra) => yearOfEra * DaysPerYear + yearOfEra / 4 - yearOfEra / 100;

    /// <summary>Days from 1 March to the month that is so many behind March.</summary>
    private static int DaysBeforeMonth(int marchMonth) => marchMonth switch
    {
        0 => 0, 1 => 31, 2 => 61, 3 => 92, 4 => 122, 5 => 153,
        6 => 184, 7 => 214, 8 => 245, 9 => 275, 10 => 306, _ => 337,
    };
}
