using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Observability;

namespace Ingest.Node.Gateway;

/// <summary>What a gateway must know of a table's settings.</summary>
/// <param name="Lanes">The number of lanes.</param>
/// <param name="FlushEvery">Rows in a full batch.</param>
/// <param name="Acknowledge">The level of rows whose caller asks for none.</param>
internal readonly record struct LaneSettings(
    int Lanes, int FlushEvery, Acknowledge Acknowledge = Acknowledge.Committed)
{
    // A few pieces of streams, so that batches that are smaller than a piece do not wait for each other.
    private const int MinBacklogRows = 4_096;

    /// <summary>Bytes in a full batch; zero where it is full by its rows alone.</summary>
    public long FlushBytes { get; init; }

    /// <summary>
    /// The gate for streams, which lets in what makes a batch and a half for each lane: one that is being written, and
    /// half of the next, so that a row of somebody else still finds room in that one.
    /// </summary>
    public AdmissionGate CreateBacklog() => new(
        Math.Max(MinBacklogRows, 2L * Lanes * FlushEvery), FlushBytes == 0 ? long.MaxValue : 2 * Lanes * FlushBytes);
}

/// <summary>The windows of one table's lanes, and the choice among them.</summary>
internal sealed class TableLanes(string table, GatewayId gateway, LaneSettings settings, TableMetrics metrics)
{
    /// <summary>Where the table's rows are counted.</summary>
    public TableMetrics Metrics => metrics;

    public ImmutableArray<LaneWindow> Windows { get; } =
        [.. Enumerable.Range(0, settings.Lanes).Select(number => new LaneWindow(new LaneId(table, number), gateway))];

    public Acknowledge Acknowledge => settings.Acknowledge;

    /// <summary>All lanes have been asked something, and so were started.</summary>
    public bool IsAwake { get; set; }

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
