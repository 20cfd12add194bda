using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>timestamp</c> and <c>timestamptz</c>: microseconds since 2000-01-01 00:00, for the latter in UTC, in 8 bytes.
/// Text is <c>2026-11-23T10:00:00.123456Z</c> or <c>2026-11-23 10:00:00+01</c>; the time may be left out (midnight),
/// <c>BC</c> may follow, and <c>infinity</c> and <c>-infinity</c> are values. PostgreSQL rounds to a precision such
/// as <c>timestamp(3)</c> itself.
/// <para>
/// A timestamptz without an offset is in UTC, whatever the server's time zone. A timestamp takes <c>Z</c> and offsets
/// of zero; it refuses any other offset, which PostgreSQL would drop silently and so move the time.
/// </para>
/// </summary>
internal sealed class TimestampCodec(bool hasZone) : TemporalCodec(hasZone ? "timestamptz" : "timestamp")
{
    private const string OffsetGiven =
        "has an offset from UTC, which timestamp cannot keep: use timestamptz, or give none";

    // From 4714-11-24 BC 00:00 up to, not including, 294277-01-01 00:00.
    private const long MinMicros = -211_813_488_000_000_000;
    private const long EndMicros = 9_223_371_331_200_000_000;
    private const int TextBytes = 48;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (TryReadInfinity(utf8, out var isNegative))
        {
            writer.WriteInt64(isNegative ? long.MinValue : long.MaxValue);
            return null;
        }
        var text = new TemporalText(utf8);
        if (!text.TakeDate(out var date)) return Invalid;
        if (!TakeTime(ref text, out var time, out var offset)) return Invalid;
        var isBc = text.TakeBc();
        if (!text.AtEnd || date.Year == 0) return Invalid;
        if (isBc) date = date with { Year = 1 - date.Year };
        if (!date.IsValid) return Invalid;
        if (!hasZone && offset != 0) return OffsetGiven;
        // A sum of 128 bits cannot overflow, whatever the year.
        var micros = (Int128)date.ToDays() * Micros.PerDay + time - offset * Micros.PerSecond;
        if (micros < MinMicros || micros >= EndMicros) return OutOfRange;
        writer.WriteInt64((long)micros);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var micros = BinaryPrimitives.ReadInt64BigEndian(field);
        if (micros is long.MinValue or long.MaxValue)
        {
            json.WriteStringValue(micros < 0 ? "-infinity"u8 : "infinity"u8);
            return;
        }
        var days = Math.DivRem(micros, Micros.PerDay, out var time);
        if (time < 0)
        {
            time += Micros.PerDay;
            days--;
        }
        var date = CivilDate.FromDays(days);
        var printer = new TemporalPrinter(stackalloc byte[TextBytes]);
        printer.AppendDate(date);
        printer.Append("T"u8);
        printer.AppendTime(time);
        if (hasZone) printer.Append("Z"u8);
        if (date.Year <= 0) printer.Append(" BC"u8);
        json.WriteStringValue(printer.Text);
    }

    private static bool TakeTime(ref TemporalText text, out long time, out int offset)
    {
        time = 0;
        offset = 0;
        var before = text;
        if (text.TakeEither('T', 't') || text.TakeSpaces())
        {
            if (text.TakeTime(out time)) return text.TakeOffset(out offset, out _);
            // What follows the date may be BC at once.
            text = before;
            time = 0;
        }
        return true;
    }
}
