using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ingest.Node.Observability;

/// <summary>
/// What this node counts: the one source of the accounting, of <c>/metrics</c>, and of the live view. Its tables are
/// those that had a row or a lane here.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    private readonly ConcurrentDictionary<string, TableMetrics> tables = new(StringComparer.Ordinal);

    public NodeMetrics(TimeProvider time)
    {
        Time = time;
        Since = time.GetUtcNow();
    }

    public TimeProvider Time { get; }

    /// <summary>Where actors log.</summary>
    public ILogger Log { get; set; } = NullLogger.Instance;

    /// <summary>When counting began: the node's start.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>What OpenTelemetry reads; null before <see cref="Publish"/>.</summary>
    public Instruments? Instruments { get; private set; }

    /// <summary>What is in flight on this node; set by the gateway.</summary>
    public Func<InFlight> InFlight { get; set; } = static () => default;

    public IEnumerable<TableMetrics> Tables => tables.Values;

    /// <summary>A table's metrics. A look-up by name: whoever counts rows keeps what it returns.</summary>
    public TableMetrics Of(string table) =>
        tables.GetOrAdd(table, static (name, node) => new TableMetrics(name, node), this);

    /// <summary>True after a write that PostgreSQL has refused for want of disk space (53100), until one is
    /// committed.</summary>
    public bool IsDatabaseFull { get; set; }

    /// <summary>How long rows of a table wait for their batch on purpose; set by the host.</summary>
    public Func<string, TimeSpan> FlushIntervalOf { get; set; } = static _ => TimeSpan.Zero;

    /// <summary>The row that has waited longest on this node, for its verdict or in a lane, beyond its flush
    /// interval.</summary>
    /// <returns>Its table, and that time; an empty name and zero where none waits.</returns>
    public (string Table, TimeSpan Overdue) MostOverdue()
    {
        var most = (Table: "", Overdue: TimeSpan.Zero);
        foreach (var table in Tables)
        {
            var (waiting, held) = (table.OldestCaller, table.OldestInLane);
            var overdue = (waiting > held ? waiting : held) - FlushIntervalOf(table.Table);
            if (overdue > most.Overdue) most = (table.Table, overdue);
        }

        return most;
    }

    public NodeSnapshot Snapshot() => new(
        Since,
        Time.GetUtcNow(),
        InFlight(),
        [.. Tables.OrderBy(table => table.Table, StringComparer.Ordinal).Select(table => table.Snapshot())]);

    /// <summary>Makes the meter.</summary>
    public void Publish() => Instruments = new Instruments(this);

    public void Dispose() => Instruments?.Dispose();

    /// <summary>How long ago a moment was, given as UTC ticks; zero for 0.</summary>
    internal TimeSpan AgeOf(long utcTicks) =>
        utcTicks == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Max(0, Time.GetUtcNow().UtcTicks - utcTicks));
}
