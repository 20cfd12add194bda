using System.Collections.Concurrent;

namespace Ingest.Tests.Simulation;

/// <summary>How often each thing happened over all seeds: a simulator that never splits a lane proves nothing about
/// splits.</summary>
internal sealed class Coverage
{
    private readonly ConcurrentDictionary<string, long> counts = new();

    public long this[string what] => counts.GetValueOrDefault(what);

    public void Count(string what, long by = 1) => counts.AddOrUpdate(what, by, (_, count) => count + by);

    public override string ToString() =>
        string.Join(", ", counts.OrderBy(count => count.Key, StringComparer.Ordinal)
            .Select(count => $"{count.Key} {count.Value}"));
}
