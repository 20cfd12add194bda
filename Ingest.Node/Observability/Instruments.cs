using System.Diagnostics.Metrics;

namespace Ingest.Node.Observability;

/// <summary>
/// The meter <c>Ingest</c>: names, units and attributes follow OpenTelemetry's conventions; <c>docs/metrics.md</c> says
/// what each means. Counters are observed; what happens once a batch or a submission is recorded.
/// </summary>
internal sealed class Instruments : IDisposable
{
    public const string MeterName = "Ingest";

    public const string Table = "ingest.table";
    public const string Reason = "ingest.reason";
    public const string Cause = "ingest.cause";
    public const string Event = "ingest.event";
    public const string Result = "ingest.result";

    private readonly Meter meter;
    private readonly NodeMetrics node;

    public Instruments(NodeMetrics node)
    {
        this.node = node;
        // The scope tells the meters of two nodes in one process apart.
        meter = new Meter(new MeterOptions(MeterName) { Scope = node });
        RequestDuration = meter.CreateHistogram<double>(
            "ingest.submission.duration",
            "s",
            "From submission to verdict: of a single row, or of a piece of a stream.");
        BatchRows = meter.CreateHistogram<long>("ingest.batch.rows", "{row}", "Rows of a batch that was flushed.");
        BatchSize = meter.CreateHistogram<long>("ingest.batch.size", "By", "Bytes of tuples of a batch.");
        WriteDuration = meter.CreateHistogram<double>(
            "ingest.batch.write.duration", "s", "An attempt to write a batch, from the connection to the commit.");
        CopyDuration = meter.CreateHistogram<double>(
            "ingest.batch.copy.duration", "s", "What COPY took of an attempt.");
        ObserveRows();
        ObserveLanes();
        ObserveNode();
    }

    public Histogram<double> RequestDuration { get; }

    public Histogram<long> BatchRows { get; }

    public Histogram<long> BatchSize { get; }

    public Histogram<double> WriteDuration { get; }

    public Histogram<double> CopyDuration { get; }

    public void Dispose() => meter.Dispose();

    private void ObserveRows()
    {
        Count("ingest.rows.received", "Rows admitted, and rows refused by the checks before.", rows => rows.Received);
        Count("ingest.rows.committed", "Rows in their table.", rows => rows.Committed);
        Count("ingest.rows.not_written", "Rows given up on; they are not in the table.", rows => rows.NotWritten);
        Count("ingest.rows.unknown", "Rows that were lost sight of when a gateway failed.", rows => rows.Unknown);
        Count("ingest.rows.repeated", "Rows answered with one that they repeat.", rows => rows.Repeated);
        meter.CreateObservableCounter(
            "ingest.rows.rejected",
            () => EachNonZero(
                RejectionReasons.All,
                Reason,
                RejectionReasons.NameOf,
                (table, reason) => table.Rows.RejectedFor(reason)),
            "{row}",
            "Rows refused by the checks or by PostgreSQL.");
        meter.CreateObservableUpDownCounter(
            "ingest.rows.pending",
            () => Each(table => table.Rows.Pending),
            "{row}",
            "Rows received that have no end yet.");

        meter.CreateObservableUpDownCounter(
            "ingest.rows.accepted",
            () => Each(table => table.Rows.Accepted),
            "{row}",
            "Pending rows that are in the journal.");

        void Count(string name, string description, Func<TableCounters, long> read) =>
            meter.CreateObservableCounter(name, () => Each(table => read(table.Rows)), "{row}", description);
    }

    private void ObserveLanes()
    {
        meter.CreateObservableCounter(
            "ingest.batch.flushes",
            () => EachNonZero(
                LaneCounters.Causes, Cause, LaneCounters.NameOf, (table, cause) => table.LaneEvents.Flushes(cause)),
            "{batch}",
            "Batches flushed, by what made them due.");
        meter.CreateObservableCounter(
            "ingest.batch.attempts",
            () => Each(table => table.LaneEvents.Attempts),
            "{statement}",
            "Statements that tried to write rows: one a batch, and more to find its bad rows.");
        meter.CreateObservableCounter(
            "ingest.batch.rows.tried",
            () => Each(table => table.LaneEvents.RowsTried),
            "{row}",
            "Rows in these statements.");
        meter.CreateObservableCounter(
            "ingest.batch.rows.suspected",
            () => Each(table => table.LaneEvents.Suspects),
            "{row}",
            "Rows tried one by one, since others like them had been refused.");
        meter.CreateObservableCounter(
            "ingest.lane.events",
            () => EachNonZero(
                LaneCounters.Events, Event, LaneCounters.NameOf, (table, happened) => table.LaneEvents.Count(happened)),
            "{event}",
            "What befell envelopes and batches on their way.");
        meter.CreateObservableCounter(
            "ingest.dead_letters",
            () => EachNonZero(
                LetterCounters.Events,
                Event,
                LetterCounters.NameOf,
                (table, happened) => table.Letters.Count(happened)),
            "{letter}",
            "Dead letters kept, replayed and discarded.");
        meter.CreateObservableUpDownCounter(
            "ingest.lanes", () => Each(table => table.Lanes.Count), "{lane}", "Lanes that live on this node.");
        meter.CreateObservableUpDownCounter(
            "ingest.lane.rows",
            () => Each(table => table.Lanes.Sum(lane => lane.Rows)),
            "{row}",
            "Rows held by lanes.");
        meter.CreateObservableUpDownCounter(
            "ingest.lane.size", () => Each(table => table.Lanes.Sum(lane => lane.Bytes)), "By", "Bytes held by lanes.");
        meter.CreateObservableGauge(
            "ingest.journal.rows",
            () => Each(table => table.Lanes.Sum(lane => lane.JournalRows)),
            "{row}",
            "Accepted rows that lanes have not written, in memory or in the journal alone.");
        meter.CreateObservableGauge(
            "ingest.journal.bytes",
            () => Each(table => table.Lanes.Sum(lane => lane.JournalBytes)),
            "By",
            "Bytes of their tuples.");
        meter.CreateObservableGauge(
            "ingest.lane.oldest_row.age",
            () => Each(table => table.OldestInLane.TotalSeconds),
            "s",
            "How long a lane has held its oldest row.");
        meter.CreateObservableGauge(
            "ingest.gateway.oldest_row.age",
            () => Each(table => table.OldestCaller.TotalSeconds),
            "s",
            "How long the oldest row has waited whose caller has no answer.");
    }

    private void ObserveNode()
    {
        UpDown("ingest.gateway.in_flight.rows", "{row}", "Rows admitted and not settled.", now => now.Rows);
        UpDown("ingest.gateway.in_flight.size", "By", "Bytes admitted and not settled.", now => now.Bytes);
        UpDown("ingest.gateway.in_flight.rows.limit", "{row}", "Rows that may be in flight.", now => now.MaxRows);
        UpDown("ingest.gateway.in_flight.size.limit", "By", "Bytes that may be in flight.", now => now.MaxBytes);

        void UpDown(string name, string unit, string description, Func<InFlight, long> read) =>
            meter.CreateObservableUpDownCounter(name, () => read(node.InFlight()), unit, description);
    }

    private IEnumerable<Measurement<T>> Each<T>(Func<TableMetrics, T> read)
        where T : struct
    {
        foreach (var table in node.Tables) yield return new Measurement<T>(read(table), table.Tag);
    }

    /// <summary>What has never happened has no stream: a thousand tables have few reasons each.</summary>
    private IEnumerable<Measurement<long>> EachNonZero<TKind>(
        IReadOnlyList<TKind> kinds, string attribute, Func<TKind, string> nameOf, Func<TableMetrics, TKind, long> read)
    {
        foreach (var table in node.Tables)
            foreach (var kind in kinds)
                if (read(table, kind) is not 0 and var count)
                    yield return new Measurement<long>(count, table.Tag, new(attribute, nameOf(kind)));
    }
}

/// <summary>How an attempt to write a batch may end: the values of <c>ingest.result</c>.</summary>
internal static class WriteOutcomes
{
    public const string Written = "written";
    public const string Transient = "transient";
    public const string InDoubt = "in_doubt";
    public const string Fenced = "fenced";
}
