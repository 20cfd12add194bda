using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace Ingest.Node.Observability;

/// <summary>How instruments become streams: which are taken, how many streams each may have, and the bounds of
/// histograms.</summary>
internal static class MetricViews
{
    /// <summary>
    /// Streams of one instrument at most; what comes beyond goes to one with <c>otel.metric.overflow</c>. Each takes
    /// some 100 bytes whether it is used or not. Enough for four thousand tables, or a thousand with four reasons each.
    /// </summary>
    private const int MaxStreams = 4_096;

    private static readonly double[] Seconds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly double[] Rows = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

    private static readonly double[] Bytes = [1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 22, 1 << 25, 1 << 28];

    /// <param name="metrics">The scope of this node's own meter.</param>
    /// <param name="factory">The scope of the meters that its HTTP server makes.</param>
    /// <returns>null for OpenTelemetry's defaults.</returns>
    public static MetricStreamConfiguration? Of(Instrument instrument, NodeMetrics metrics, IMeterFactory factory)
    {
        // Another node in this process has meters of the same names.
        if (instrument.Meter.Scope is { } scope && scope != metrics && scope != factory)
            return MetricStreamConfiguration.Drop;
        // Counted up and down for each request, it would cost as much as all that is Ingest's own.
        if (instrument.Name == "http.server.active_requests") return MetricStreamConfiguration.Drop;
        if (instrument.Meter.Name != Instruments.MeterName) return null;
        if (instrument is not (Histogram<double> or Histogram<long>))
            return new MetricStreamConfiguration { CardinalityLimit = MaxStreams };
        var bounds = instrument.Unit switch { "s" => Seconds, "By" => Bytes, _ => Rows };
        return new ExplicitBucketHistogramConfiguration { Boundaries = bounds, CardinalityLimit = MaxStreams };
    }
}
