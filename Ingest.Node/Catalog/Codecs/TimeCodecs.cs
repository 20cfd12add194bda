using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>time</c>: microseconds since midnight in 8 bytes. Text is <c>10:00</c> or <c>10:00:00.123456</c>, up to
/// <c>24:00:00</c>. An offset from UTC is refused: PostgreSQL would drop it silently.
/// </summary>
internal sealed class TimeCodec() : TemporalCodec("time")
{
    private const int TextBytes = 32;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        var text = new TemporalText(utf8);
        if (!text.TakeTime(out var micros) || !text.AtEnd) return Invalid;
        writer.WriteInt64(micros);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var printer = new TemporalPrinter(stackalloc byte[TextBytes]);
        printer.AppendTime(BinaryPrimitives.ReadInt64BigEndian(field));
        json.WriteStringValue(printer.Text);
    }
}

/// <summary>
/// <c>timetz</c>: as <c>time</c>, and behind it the offset in seconds <em>west</em> of UTC in 4 bytes. Text is
/// <c>10:00:00+01</c>; without an offset it is in UTC, whatever the server's time zone.
/// </summary>
internal sealed class TimeTzCodec() : TemporalCodec("timetz")
{
    private const int TextBytes = 48;

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        var text = new TemporalText(utf8);
        if (!text.TakeTime(out var micros) || !text.TakeOffset(out var offset, out _) || !text.AtEnd) return Invalid;
        writer.WriteInt64(micros);
        writer.WriteInt32(-offset);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var printer = new TemporalPrinter(stackalloc byte[TextBytes]);
        printer.AppendTime(BinaryPrimitives.ReadInt64BigEndian(field));
        printer.AppendOffset(-BinaryPrimitives.ReadInt32BigEndian(field[sizeof(long)..]));
        json.WriteStringValue(printer.Text);
    }
}
