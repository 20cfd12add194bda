using Ingest.Tests.Embedded;
using Ingest.Tests.Faults;
using Ingest.Tests.Node;
using Ingest.Tests.Observability;
using Ingest.Tests.Simulation;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Ingest.Tests.LongestFirst", "Ingest.Tests")]

namespace Ingest.Tests;

/// <summary>
/// Starts the classes that take longest before the others, so that no run ends with waiting for one of them alone. The
/// runner would start them in an order that it draws anew each time.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        .. new[]
        {
            typeof(FaultTests), typeof(ShutdownTests), typeof(EmbeddedPostgresTests), typeof(SimulationTests),
            typeof(JournalElsewhereTests), typeof(BacklogTests), typeof(DashboardTests), typeof(TakeoverTests),
            typeof(TableChangeTests),
        }.Select(test => test.FullName!),
        nameof(AskingNode),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => PlaceOf(collection.DisplayName));

    /// <summary>A collection has a name of its own, or one that ends with that of its class.</summary>
    private static int PlaceOf(string collection)
    {
        var place = Array.FindIndex(Longest, name => collection.EndsWith(name, StringComparison.Ordinal));
        return place < 0 ? Longest.Length : place;
    }
}
