using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>date</c>: days since 2000-01-01 in 4 bytes. Text is <c>2026-11-23</c>, <c>0044-03-15 BC</c>, <c>infinity</c> or
/// <c>-infinity</c>. A time behind the date is refused: PostgreSQL would drop it silently.
/// </summary>
internal sealed class DateCodec() : TemporalCodec("date")
{
    // From 4714-11-24 BC, Julian day 0, to 5874897-12-31.
    private const int MinDays = -2_451_545;
    private const int MaxDays = 2_145_031_948;
    private const int TextBytes = 32;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (TryReadInfinity(utf8, out var isNegative))
        {
            writer.WriteInt32(isNegative ? int.MinValue : int.MaxValue);
            return null;
        }
        var text = new TemporalText(utf8);
        if (!text.TakeDate(out var date)) return Invalid;
        var isBc = text.TakeBc();
        if (!text.AtEnd || date.Year == 0) return Invalid;
        if (isBc) date = date with { Year = 1 - date.Year };
        if (!date.IsValid) return Invalid;
        var days = date.ToDays();
        if (days is < MinDays or > MaxDays) return OutOfRange;
        writer.WriteInt32((int)days);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var days = BinaryPrimitives.ReadInt32BigEndian(field);
        if (days is int.MinValue or int.MaxValue)
        {
            json.WriteStringValue(days < 0 ? "-infinity"u8 : "infinity"u8);
            return;
        }
        var date = CivilDate.FromDays(days);
        var printer = new TemporalPrinter(stackalloc byte[TextBytes]);
        printer.AppendDate(date);
        if (date.Year <= 0) printer.Append(" BC"u8);
        json.WriteStringValue(printer.Text);
    }
}
