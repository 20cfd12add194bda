using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Observability;

namespace Ingest.Node.Gateway;

/// <summary>What a gateway must know of a table's settings.</summary>
/// <param name="Lanes">The number of lanes.</param>
/// <param name="FlushEvery">Rows in a full batch.</param>
/// <param name="Acknowledge">The level of rows whose caller asks for none.</param>
internal readonly record struct LaneSettings(
    int Lanes, int FlushEvery, Acknowledge Acknowledge = Acknowledge.Committed);

/// <summary>The windows of one table's lanes, and the choice among them.</summary>
internal sealed class TableLanes(string table, GatewayId gateway, LaneSettings settings, TableMetrics metrics)
{
    /// <summary>Where the table's rows are counted.</summary>
    public TableMetrics Metrics => metrics;

    public ImmutableArray<LaneWindow> Windows { get; } =
        [.. Enumerable.Range(0, settings.Lanes).Select(number => new LaneWindow(new LaneId(table, number), gateway))];

    public Acknowledge Acknowledge => settings.Acknowledge;

    /// <summary>
    /// The lane for the next rows. The first one takes all while it has less than a full batch under way: a few full
    /// batches beat many small ones, and since every gateway prefers the same lane, batches stay large when nodes are
    /// added. Beyond that the next lanes join in; and while a lane is silent or takes nothing, the others take its
    /// place.
    /// </summary>
    public LaneWindow Choose()
    {
        LaneWindow? least = null;
        foreach (var window in Windows)
        {
            if (window.IsSilent || window.IsHeld) continue;
            if (window.Rows < settings.FlushEvery) return window;
            if (least is null || window.Rows < least.Rows) least = window;
        }

        return least ?? Windows[0];
    }
}
