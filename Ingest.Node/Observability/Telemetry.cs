using System.Diagnostics.Metrics;
using Ingest.Node.Gateway.Access;
using OpenTelemetry.Metrics;

namespace Ingest.Node.Observability;

/// <summary>What a node tells OpenTelemetry, and where: the only file that knows its SDK.</summary>
internal static class Telemetry
{
    /// <summary>
    /// Streams of one instrument at most; what comes beyond goes to one with <c>otel.metric.overflow</c>. Each takes
    /// some 100 bytes whether it is used or not. Enough for four thousand tables, or a thousand with four reasons each.
    /// </summary>
    private const int MaxStreams = 4_096;

    private static readonly string[] Meters =
    [
        Instruments.MeterName, "Npgsql", "System.Runtime", "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
    ];

    private static readonly double[] Seconds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly double[] Rows = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

    private static readonly double[] Bytes = [1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 22, 1 << 25, 1 << 28];

    public static IServiceCollection AddTelemetry(this IServiceCollection services, NodeMetrics metrics)
    {
        services.AddSingleton(metrics);
        services.AddOpenTelemetry().WithMetrics(meters => meters.AddMeter(Meters).AddPrometheusExporter());
        services.ConfigureOpenTelemetryMeterProvider((provider, meters) =>
        {
            var factory = provider.GetRequiredService<IMeterFactory>();
            meters.AddView(instrument => ViewOf(instrument, metrics, factory));
        });
        return services;
    }

    public static void MapTelemetry(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPrometheusScrapingEndpoint("/metrics").RequireScope(Scope.Observe);

    private static MetricStreamConfiguration? ViewOf(Instrument instrument, NodeMetrics metrics, IMeterFactory factory)
    {
        // Another node in this process has meters of the same names.
        if (instrument.Meter.Scope is { } scope && scope != metrics && scope != factory)
            return MetricStreamConfiguration.Drop;
        if (instrument.Meter.Name != Instruments.MeterName) return null;
        if (!instrument.GetType().IsGenericType || instrument.GetType().GetGenericTypeDefinition() != typeof(Histogram<>))
            return new MetricStreamConfiguration { CardinalityLimit = MaxStreams };
        var bounds = instrument.Unit switch { "s" => Seconds, "By" => Bytes, _ => Rows };
        return new ExplicitBucketHistogramConfiguration { Boundaries = bounds, CardinalityLimit = MaxStreams };
    }
}
