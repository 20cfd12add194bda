using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>interval</c>: microseconds in 8 bytes, then days and months in 4 each. The forms of text are those of
/// <see cref="IntervalText"/>; JSON gets ISO 8601 with a sign at each part, as <c>IntervalStyle = iso_8601</c> prints
/// it.
/// </summary>
internal sealed class IntervalCodec() : TemporalCodec("interval")
{
    private const int TextBytes = 96;
    private const int DaysOffset = 8;
    private const int MonthsOffset = 12;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        var trimmed = utf8[Ascii.Trim(utf8)];
        // PostgreSQL takes white space around its own form, but not around ISO 8601's.
        if (trimmed.StartsWith("P"u8) && trimmed.Length < utf8.Length) return Invalid;
        var text = new IntervalText(trimmed);
        if (!text.TryRead()) return Invalid;
        if (!text.IsInRange) return OutOfRange;
        writer.WriteInt64(text.TimeMicros);
        writer.WriteInt32(text.Days);
        writer.WriteInt32(text.Months);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var micros = BinaryPrimitives.ReadInt64BigEndian(field);
        var days = BinaryPrimitives.ReadInt32BigEndian(field[DaysOffset..]);
        var months = BinaryPrimitives.ReadInt32BigEndian(field[MonthsOffset..]);
        var printer = new TemporalPrinter(stackalloc byte[TextBytes]);
        printer.Append("P"u8);
        AppendPart(ref printer, months / 12, "Y"u8);
        AppendPart(ref printer, months % 12, "M"u8);
        AppendPart(ref printer, days, "D"u8);
        if (micros != 0 || (days == 0 && months == 0)) AppendTime(ref printer, micros);
        json.WriteStringValue(printer.Text);
    }

    private static void AppendTime(ref TemporalPrinter printer, long micros)
    {
        printer.Append("T"u8);
        AppendPart(ref printer, micros / Micros.PerHour, "H"u8);
        AppendPart(ref printer, micros / Micros.PerMinute % 60, "M"u8);
        var rest = micros % Micros.PerMinute;
        if (rest == 0 && micros != 0) return;
        if (rest < 0) printer.Append("-"u8);
        printer.AppendNumber(Math.Abs(rest / Micros.PerSecond), 1);
        printer.AppendFraction(Math.Abs(rest % Micros.PerSecond));
        printer.Append("S"u8);
    }

    private static void AppendPart(ref TemporalPrinter printer, long value, ReadOnlySpan<byte> unit)
    {
        if (value == 0) return;
        printer.AppendNumber(value, 1);
        printer.Append(unit);
    }
}
