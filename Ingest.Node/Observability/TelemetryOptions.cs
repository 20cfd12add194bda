using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Observability;

/// <summary>What a node tells of itself, and to whom. Set in <c>hocon/ingest.conf</c>.</summary>
internal sealed record TelemetryOptions
{
    /// <summary>Where metrics and traces are sent by OTLP over HTTP; null for nowhere.</summary>
    public required Uri? OtlpEndpoint { get; init; }

    /// <summary>The share of requests that are traced, where their caller has not decided it.</summary>
    [Range(0d, 1d)]
    public required double TraceRatio { get; init; }

    /// <summary>How long a row may wait, beyond its table's flush interval, before the node says that something is
    /// wrong.</summary>
    public required TimeSpan OldestRowAlarm { get; init; }
}
