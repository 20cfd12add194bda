using System.Globalization;
using CsCheck;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>Generators of dates, times and intervals: good ones, ones at the edges, and some that nobody takes.</summary>
public static class TimeValues
{
    private static readonly Gen<string> Day = Gen.Select(
        Gen.OneOf(Gen.Int[1900, 2100], Gen.Int[1, 9999]), Gen.Int[1, 12], Gen.OneOf(Gen.Int[1, 28], Gen.Int[27, 31]),
        (year, month, day) => Invariant($"{year:d4}-{month:d2}-{day:d2}"));

    private static readonly Gen<string> Fraction =
        Gen.OneOf(Gen.Const(""), Gen.Char['0', '9'].Array[1, 9].Select(digits => "." + new string(digits)), Gen.Const(".9999999"));

    private static readonly Gen<string> Clock = Gen.Select(
        Gen.OneOf(Gen.Int[0, 23], Gen.Int[0, 25]), Gen.OneOf(Gen.Int[0, 59], Gen.Const(60)), Gen.OneOf(Gen.Int[0, 59], Gen.Int[58, 61]), Fraction, Gen.Bool,
        (hour, minute, second, fraction, isWhole) =>
            isWhole ? Invariant($"{hour:d2}:{minute:d2}") : Invariant($"{hour:d2}:{minute:d2}:{second:d2}{(second < 60 ? fraction : "")}"));

    private static readonly Gen<string> Offset = Gen.OneOf(
        Gen.OneOf("", "Z", "z", "+00", "-00:00"),
        Gen.Select(Gen.OneOf('+', '-'), Gen.Int[0, 16], Gen.Int[0, 60], Gen.Int[0, 59], Gen.Int[0, 3], (sign, hours, minutes, seconds, form) => form switch
        {
            0 => Invariant($"{sign}{hours:d2}"),
            1 => Invariant($"{sign}{hours:d2}:{minutes:d2}"),
            2 => Invariant($"{sign}{hours:d2}{minutes:d2}"),
            _ => Invariant($"{sign}{hours:d2}:{minutes:d2}:{seconds:d2}"),
        }));

    public static Gen<Value> Date { get; } = Gen.OneOf(
        Texts(Day), Texts(Day.Select(day => day + " BC")),
        Values.OneOfStrings("infinity", "-infinity", "5874897-12-31", "5874898-01-01", "4714-11-24 BC", "4714-11-23 BC", "0001-01-01 BC",
            "0000-01-01", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0001-02-29 BC", "0005-02-29 BC", "2026-13-01", "2026-00-01",
            "2026-01-00", " 2026-01-01 ", "", "2026", "12345-06-07", "infinit"));

    public static Gen<Value> Time { get; } = Gen.OneOf(
        Texts(Clock), Values.OneOfStrings("24:00:00", "24:00:01", "24:00", "23:59:60", "23:59:59.9999999", "", "10", " 10:00 ", "10:00:00."));

    public static Gen<Value> TimeTz { get; } = Gen.OneOf(
        Texts(Gen.Select(Clock, Offset, (clock, offset) => clock + offset)), Values.OneOfStrings("10:00:00 +01", "24:00:00Z", "10:00+16", "10:00-15:59:59"));

    public static Gen<Value> Timestamp { get; } = Stamps(Gen.OneOf("", "", "Z", "+00"));

    public static Gen<Value> TimestampTz { get; } = Gen.OneOf(
        Stamps(Offset), Values.OneOfStrings("294276-12-31 23:59:59.999999-00", "294276-12-31 23:59:59-01", "4714-11-24 00:00:00+01 BC"));

    public static Gen<Value> Interval { get; } = Gen.OneOf(
        Texts(Gen.Select(Parts("year", "years", "yr"), Parts("mon", "mons", "months"), Parts("day", "days", "d"), Gen.OneOf("", "+", "-"), Clock,
            (years, months, days, sign, clock) => $"{years}{months}{days}{sign}{clock}")),
        Texts(Gen.Select(Parts("weeks", "week", "w"), Parts("hours", "hr", "h"), Parts("minutes", "min", "m"), Parts("ms", "us", "secs"), Gen.OneOf("", "ago"),
            (weeks, hours, minutes, rest, ago) => $"@ {weeks}{hours}{minutes}{rest}{ago}")),
        Texts(Gen.Select(Iso("Y"), Iso("M"), Iso("D"), Iso("H"), Iso("M"), (y, m, d, hours, minutes) =>
            $"P{y}{m}{d}T{hours}{minutes}1.5S")),
        Texts(Gen.Select(Gen.Int[-100, 100], Gen.Int[-200000, 200000], Fraction.Where(fraction => fraction.Length <= 7), (weeks, seconds, fraction) =>
            Invariant($"P{weeks}WT{seconds}{fraction}S"))),
        Values.OneOfStrings("", "P", "1 parsec", "178956970 years 7 mons", "178956970 years 8 mons", "2147483648 days",
            "P1Y2M3D", "100000:00:00", "00:00:00", "-00:00:00.5", "1.5 seconds", "-1.5 s", "1 day 2 hours", "  1 day ", "--1 day", "04:05"));

    private static Gen<Value> Stamps(Gen<string> offset) => Gen.OneOf(
        Texts(Gen.Select(Day, Gen.OneOf("T", " "), Clock, offset, (day, between, clock, zone) => $"{day}{between}{clock}{zone}")),
        Texts(Gen.Select(Day, Clock, offset, (day, clock, zone) => $"{day} {clock}{zone} BC")),
        Values.OneOfStrings("infinity", "-Infinity", "2026-11-23", "0044-03-15 BC", "294276-12-31 23:59:59.999999", "294277-01-01 00:00:00",
            "4714-11-24 00:00:00 BC", "4714-11-23 23:59:59 BC", "99999-01-01T10:00:00Z", "2026-11-23T24:00:00", "2026-11-23T24:00:01",
            "2026-02-30 10:00:00", "2026-11-23Tx", "0000-01-01 00:00:00", "", " 2026-11-23 10:00:00 ", "2026-12-31 23:59:60Z"));

    private static Gen<string> Parts(params string[] units) => Gen.OneOf(
        Gen.Const(""), Gen.Select(Gen.Int[-3000, 3000], Gen.OneOf(units), (value, unit) => Invariant($"{value} {unit} ")));

    private static Gen<string> Iso(string unit) =>
        Gen.OneOf(Gen.Const(""), Gen.Int[-3000, 3000].Select(value => Invariant($"{value}{unit}")));

    private static Gen<Value> Texts(Gen<string> texts) => texts.SelectMany(Values.Quoted);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
