namespace Ingest.Bench.Compare;

/// <summary>The median of some measurements, with the least and the greatest.</summary>
internal sealed record Spread(double Median, double Least, double Greatest)
{
    /// <exception cref="InvalidOperationException">There is no measurement.</exception>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) throw new InvalidOperationException("Nothing was measured.");
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
