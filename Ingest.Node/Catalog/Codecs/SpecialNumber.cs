using System.Text;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// The numbers that are not finite, in the spellings that PostgreSQL reads for float and numeric alike.
/// </summary>
internal static class SpecialNumber
{
    public enum Kind
    {
        NaN,
        PositiveInfinity,
        NegativeInfinity,
    }

    /// <summary>Reads NaN, inf and infinity, the latter two with a sign or without, in any case.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out Kind kind)
    {
        kind = Kind.NaN;
        if (Ascii.EqualsIgnoreCase(text, "nan"u8)) return true;
        var negative = !text.IsEmpty && text[0] == '-';
        kind = negative ? Kind.NegativeInfinity : Kind.PositiveInfinity;
        if (!text.IsEmpty && (negative || text[0] == '+')) text = text[1..];
        return Ascii.EqualsIgnoreCase(text, "infinity"u8) || Ascii.EqualsIgnoreCase(text, "inf"u8);
    }

    /// <summary>The text of a float that is not finite.</summary>
    public static ReadOnlySpan<byte> Text(double value) =>
        double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8;
}
