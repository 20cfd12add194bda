using System.Buffers.Text;
using System.Text;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// What the codecs of dates and times share. All their values are JSON strings; numbers say too little.
/// </summary>
internal abstract class TemporalCodec(string name) : ScalarCodec(name)
{
    protected string Invalid { get; } = $"is not a valid {name}";

    protected string OutOfRange { get; } = $"is out of range for {name}";

    /// <summary>Reads <c>infinity</c> and <c>-infinity</c>, in any case.</summary>
    protected static bool TryReadInfinity(ReadOnlySpan<byte> text, out bool isNegative)
    {
        isNegative = !text.IsEmpty && text[0] == '-';
        if (isNegative) text = text[1..];
        return Ascii.EqualsIgnoreCase(text, "infinity"u8);
    }
}

/// <summary>Prints the parts of dates and times into a span, for a field's JSON.</summary>
internal ref struct TemporalPrinter(Span<byte> buffer)
{
    private readonly Span<byte> buffer = buffer;
    private int length;

    public readonly ReadOnlySpan<byte> Text => buffer[..length];

    public void Append(ReadOnlySpan<byte> text)
    {
        text.CopyTo(buffer[length..]);
        length += text.Length;
    }

    /// <summary>Prints a number with at least so many digits.</summary>
    public void AppendNumber(long value, int digits)
    {
        Utf8Formatter.TryFormat(value, buffer[length..], out var written, new('D', (byte)digits));
        length += written;
    }

    public void AppendDate(CivilDate date)
    {
        // The year before 1 is 1 BC.
        AppendNumber(date.Year > 0 ? date.Year : 1 - date.Year, 4);
        Append("-"u8);
        AppendNumber(date.Month, 2);
        Append("-"u8);
        AppendNumber(date.Day, 2);
    }

    public void AppendTime(long micros)
    {
        AppendNumber(micros / Micros.PerHour, 2);
        Append(":"u8);
        AppendNumber(micros / Micros.PerMinute % 60, 2);
        Append(":"u8);
        AppendNumber(micros / Micros.PerSecond % 60, 2);
        AppendFraction(micros % Micros.PerSecond);
    }

    /// <summary>Prints microseconds behind a point without trailing zeros; nothing where there are none.</summary>
    public void AppendFraction(long micros)
    {
        if (micros == 0) return;
        Append("."u8);
        AppendNumber(micros, 6);
        while (buffer[length - 1] == '0') length--;
    }

    /// <summary>Prints an offset in seconds east of UTC.</summary>
    public void AppendOffset(int seconds)
    {
        Append(seconds < 0 ? "-"u8 : "+"u8);
        seconds = Math.Abs(seconds);
        AppendNumber(seconds / 3600, 2);
        Append(":"u8);
        AppendNumber(seconds / 60 % 60, 2);
        if (seconds % 60 == 0) return;
        Append(":"u8);
        AppendNumber(seconds % 60, 2);
    }
}
