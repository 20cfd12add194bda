namespace Ingest.Bench.Compare;

/// <summary>One way to write rows, which is measured.</summary>
/// <param name="Name">As in the report, for example <c>http-128</c>.</param>
/// <param name="Title">The same for people.</param>
/// <param name="MeasureAsync">Measures it once; the warm-up is handed in, since the first one is longer.</param>
internal sealed record Contender(
    string Name, string Title, Func<TimeSpan, CancellationToken, Task<Sample>> MeasureAsync)
{
    /// <summary>Written by hand, to be compared with.</summary>
    public bool IsBaseline { get; init; }
}

/// <summary>A ratio that is to be reached: rows per second of a contender to those of another.</summary>
internal sealed record Goal(string Contender, string Baseline, double AtLeast);

/// <summary>A figure with a limit, which is no ratio of rates.</summary>
/// <param name="Limit">The most that it may be.</param>
internal sealed record Check(string Name, double Value, double Limit, string Unit)
{
    public bool IsMet => Value <= Limit;
}

/// <summary>Contenders that are measured in turn, so that all of them meet the same noise.</summary>
internal sealed record Group(string Name, IReadOnlyList<Contender> Contenders, IReadOnlyList<Goal> Goals)
{
    /// <summary>Looks at the samples by the name of their contender, beside the goals.</summary>
    public Func<IReadOnlyDictionary<string, List<Sample>>, IEnumerable<Check>> Checks { get; init; } = _ => [];
}
