namespace Ingest.Node.Observability.Dashboard;

/// <summary>
/// One moment of this node, and the moment before, from which rates follow. Made once for all who watch.
/// </summary>
internal sealed class Sample
{
    private readonly Dictionary<string, TableSnapshot> before;
    private readonly double seconds;

    /// <param name="earlier">null for the first: its rates are zero.</param>
    public Sample(NodeSnapshot now, NodeSnapshot? earlier, NodeState? state)
    {
        Now = now;
        State = state;
        seconds = earlier is null ? 0 : (now.At - earlier.At).TotalSeconds;
        before = seconds > 0
            ? earlier!.Tables.ToDictionary(table => table.Table, StringComparer.Ordinal)
            : [];
    }

    public NodeSnapshot Now { get; }

    /// <summary>What is read more seldom; null until it was.</summary>
    public NodeState? State { get; }

    /// <summary>How much a counter of a table grew a second. A table that is new has begun at zero.</summary>
    public double Rate(TableSnapshot table, Func<TableSnapshot, long> counter)
    {
        if (seconds <= 0) return 0;
        var earlier = before.TryGetValue(table.Table, out var known) ? counter(known) : 0;
        return Math.Max(0, counter(table) - earlier) / seconds;
    }

    /// <summary>The tables whose name contains <paramref name="search"/>, the busiest first.</summary>
    public IReadOnlyList<TableSnapshot> Busiest(string search) =>
    [
        .. Now.Tables
            .Where(table => table.Table.Contains(search, StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(table => Rate(table, one => one.Received))
            .ThenByDescending(table => table.Received)
            .ThenBy(table => table.Table, StringComparer.Ordinal),
    ];
}
