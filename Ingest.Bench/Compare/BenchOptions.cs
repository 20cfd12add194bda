using Ingest.Bench.Compare.Refusals;

namespace Ingest.Bench.Compare;

/// <summary>The measures of a benchmark.</summary>
internal sealed record BenchOptions
{
    /// <summary>One round of short measurements, in less than three minutes.</summary>
    public bool Quick { get; init; }

    /// <summary>Only the groups of these names; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Where the charts go, beside each other; null: none are drawn.</summary>
    public string? ChartDirectory { get; init; }

    public bool Includes(string group) =>
        Only.Count > 0 ? Only.Contains(group) : !Quick || group != RefusalsGroup.Name;

    /// <summary>How often each contender is measured, in turn with its rivals.</summary>
    public int Rounds => Quick ? 1 : 5;

    /// <summary>How long a load runs before it is looked at.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 1 : 1.5);

    public TimeSpan Duration => TimeSpan.FromSeconds(Quick ? 2 : 4);

    /// <summary>How long each contender of a group runs before the first round: the runtime compiles code anew when it
    /// has seen what is hot.</summary>
    public TimeSpan FirstWarmUp => TimeSpan.FromSeconds(Quick ? 3 : 8);

    /// <summary>How long rows that were accepted may take into the table.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(120);

    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(120);
}
