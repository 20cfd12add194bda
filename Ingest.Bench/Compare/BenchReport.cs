using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ingest.Bench.Compare;

/// <summary>All that a benchmark has measured; <c>--json</c> writes it with these names in snake case.</summary>
internal sealed record BenchReport
{
    public required DateTimeOffset At { get; init; }

    public required MachineFacts Machine { get; init; }

    public required bool Quick { get; init; }

    public required IReadOnlyList<ContenderResult> Contenders { get; init; }

    public required IReadOnlyList<RatioResult> Ratios { get; init; }

    public required IReadOnlyList<Check> Checks { get; init; }

    /// <summary>Groups that could not be measured, and why.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    public bool IsMet => Failures.Count == 0 && Ratios.All(ratio => ratio.IsMet) && Checks.All(check => check.IsMet);

    public string ToJson() => JsonSerializer.Serialize(this, BenchJson.Default.BenchReport) + "\n";
}

/// <summary>One contender's samples, in the order of the rounds.</summary>
internal sealed record ContenderResult(
    string Group, string Name, string Title, bool IsBaseline, IReadOnlyList<Sample> Samples)
{
    public Spread RowsPerSecond => Spread.Of(Samples.Select(sample => sample.RowsPerSecond));
}

/// <summary>A goal, and the ratio in each round.</summary>
internal sealed record RatioResult(string Contender, string Baseline, double Goal, Spread Ratio)
{
    public bool IsMet => Ratio.Median >= Goal;
}

/// <summary>Where it was measured.</summary>
internal sealed record MachineFacts(int Processors, string System, string Runtime, string Postgres);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchJson : JsonSerializerContext;
