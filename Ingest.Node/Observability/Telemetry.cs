using System.Diagnostics.Metrics;
using Ingest.Node.Gateway.Access;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Ingest.Node.Observability;

/// <summary>What a node tells OpenTelemetry, and where to: with its neighbours here, what knows its SDK.</summary>
internal static class Telemetry
{
    private static readonly string[] Meters =
    [
        Instruments.MeterName, "Npgsql", "System.Runtime", "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
    ];

    /// <summary>Requests, batches, and the database's commands.</summary>
    private static readonly string[] Sources = ["Microsoft.AspNetCore", BatchTracing.SourceName, "Npgsql"];

    public static IServiceCollection AddTelemetry(
        this IServiceCollection services, NodeMetrics metrics, TelemetryOptions options, string instance)
    {
        var telemetry = services
            .AddSingleton(metrics)
            .AddSingleton(options)
            .AddHostedService<OldestRowWatch>()
            .AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("ingest", serviceInstanceId: instance))
            .WithMetrics(meters =>
            {
                meters.AddMeter(Meters).AddPrometheusExporter();
                if (options.OtlpEndpoint is { } endpoint)
                    meters.AddOtlpExporter(exporter => exporter.SendTo(endpoint, "v1/metrics"));
            });
        services.ConfigureOpenTelemetryMeterProvider((provider, meters) =>
        {
            var factory = provider.GetRequiredService<IMeterFactory>();
            meters.AddView(instrument => MetricViews.Of(instrument, metrics, factory));
        });
        // Where nobody is told, nobody listens, and a request costs nothing more.
        if (options.OtlpEndpoint is { } collector)
            telemetry.WithTracing(traces => traces
                .AddIngestSources(options.TraceRatio)
                .AddOtlpExporter(exporter => exporter.SendTo(collector, "v1/traces")));
        return services;
    }

    /// <summary>What is traced, and how much of it.</summary>
    public static TracerProviderBuilder AddIngestSources(this TracerProviderBuilder traces, double ratio) =>
        traces.AddSource(Sources).SetSampler(new RequestSampler(ratio));

    public static void MapTelemetry(this WebApplication app)
    {
        app.MapPrometheusScrapingEndpoint("/metrics").RequireScope(Scope.Observe);
        if (app.Services.GetRequiredService<TelemetryOptions>().OtlpEndpoint is null) return;
        app.Use(RequestTracing.DescribeAsync);
    }

    private static void SendTo(this OtlpExporterOptions exporter, Uri endpoint, string path)
    {
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{path}");
    }
}
