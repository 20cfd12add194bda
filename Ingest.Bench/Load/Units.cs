using System.Globalization;

namespace Ingest.Bench.Load;

/// <summary>Quantities as people read them.</summary>
public static class Units
{
    /// <summary>Three digits or so in the unit that suits: 870 µs, 12.4 ms, 3.21 s.</summary>
    public static string Duration(double microseconds) => microseconds switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{microseconds:0} µs"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1_000:0.##} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1_000_000:0.##} s"),
    };
}
