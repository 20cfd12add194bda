using System.Collections.Concurrent;
using System.Diagnostics;
using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>
/// What this node counts of one table, on both sides: of its callers, and of the lanes that live here. Counters are
/// kept here and observed when somebody looks, so that a row costs an addition or two. Thread-safe.
/// </summary>
internal sealed class TableMetrics
{
    private readonly NodeMetrics node;
    private readonly TagList tags;
    private readonly RecentHistogram latency;
    private readonly RecentHistogram batchRows;
    private readonly RecentHistogram batchBytes;
    private readonly RecentHistogram writeTime;
    private readonly ConcurrentDictionary<LaneGauge, bool> lanes = new();
    private long oldestCallerTicks;

    public TableMetrics(string table, NodeMetrics node)
    {
        Table = table;
        this.node = node;
        Tag = new KeyValuePair<string, object?>(Instruments.Table, table);
        tags = [Tag];
        latency = new RecentHistogram(node.Time.TimestampFrequency);
        batchRows = new RecentHistogram(node.Time.TimestampFrequency);
        batchBytes = new RecentHistogram(node.Time.TimestampFrequency);
        writeTime = new RecentHistogram(node.Time.TimestampFrequency);
    }

    /// <summary>The served name.</summary>
    public string Table { get; }

    /// <summary>The attribute that names the table.</summary>
    public KeyValuePair<string, object?> Tag { get; }

    /// <summary>Where the table's lanes log.</summary>
    public ILogger Log => node.Log;

    /// <summary>What became of the rows of this node's callers.</summary>
    public TableCounters Rows { get; } = new();

    /// <summary>What the lanes of this node did.</summary>
    public LaneCounters LaneEvents { get; } = new();

    /// <summary>What became of refused rows that are kept.</summary>
    public LetterCounters Letters { get; } = new();

    /// <summary>The lanes that live on this node.</summary>
    public ICollection<LaneGauge> Lanes => lanes.Keys;

    /// <summary>How long the oldest row has waited whose caller has no answer yet; zero where none waits. Looked up ten
    /// times a second.</summary>
    public TimeSpan OldestCaller => node.AgeOf(Volatile.Read(ref oldestCallerTicks));

    /// <summary>How long a lane of this node has held the oldest row that it has not written; zero where there is
    /// none.</summary>
    public TimeSpan OldestInLane => node.AgeOf(lanes.Keys.Select(lane => lane.OldestTicks).Where(ticks => ticks > 0)
        .DefaultIfEmpty().Min());

    /// <summary>A lane of this table starts on this node; remove it by <see cref="Close"/>.</summary>
    public LaneGauge Open()
    {
        var gauge = new LaneGauge();
        lanes[gauge] = true;
        return gauge;
    }

    public void Close(LaneGauge gauge) => lanes.TryRemove(gauge, out _);

    /// <param name="since">When the oldest row came in whose caller has no answer; null where there is none.</param>
    public void NoteOldestCaller(DateTimeOffset? since) =>
        Volatile.Write(ref oldestCallerTicks, since?.UtcTicks ?? 0);

    /// <summary>A submission (one row, or a piece of a stream) has its verdicts.</summary>
    /// <param name="submitted">When it was submitted, a timestamp of the node's clock.</param>
    public void RecordLatency(long submitted, long now)
    {
        var took = node.Time.GetElapsedTime(submitted, now);
        latency.Record(MicrosecondsOf(took), now);
        node.Instruments?.RequestDuration.Record(took.TotalSeconds, tags);
    }

    /// <summary>A lane has handed a batch to its writer.</summary>
    public void RecordBatch(Batch batch)
    {
        var now = node.Time.GetTimestamp();
        LaneEvents.Flush(batch.Cause);
        long bytes = 0;
        foreach (var part in batch.Parts) bytes += part.Bytes;
        batchRows.Record(batch.Count, now);
        batchBytes.Record(bytes, now);
        node.Instruments?.BatchRows.Record(batch.Count, tags);
        node.Instruments?.BatchSize.Record(bytes, tags);
    }

    /// <summary>An attempt to write a batch has ended.</summary>
    /// <param name="result">One of <see cref="WriteOutcomes"/>.</param>
    /// <param name="stats">The statements that it took.</param>
    public void RecordWrite(TimeSpan took, string result, WriteStats stats)
    {
        LaneEvents.Add(stats);
        if (stats.Copying > TimeSpan.Zero) node.Instruments?.CopyDuration.Record(stats.Copying.TotalSeconds, tags);
        writeTime.Record(MicrosecondsOf(took), node.Time.GetTimestamp());
        node.Instruments?.WriteDuration.Record(
            took.TotalSeconds, Tag, new KeyValuePair<string, object?>(Instruments.Result, result));
    }

    public TableSnapshot Snapshot()
    {
        // Ends are read before beginnings, so that pending is never negative.
        var rejected = RejectionReasons.All.ToDictionary(RejectionReasons.NameOf, Rows.RejectedFor);
        var (committed, notWritten, unknown, repeated) =
            (Rows.Committed, Rows.NotWritten, Rows.Unknown, Rows.Repeated);
        var (received, accepted) = (Rows.Received, Rows.Accepted);
        var now = node.Time.GetTimestamp();
        var held = Lanes;
        return new TableSnapshot(Table)
        {
            Received = received,
            Committed = committed,
            RejectedByReason = rejected,
            NotWritten = notWritten,
            Unknown = unknown,
            Accepted = accepted,
            Repeated = repeated,
            Latency = latency.Read(now),
            BatchRows = batchRows.Read(now),
            BatchBytes = batchBytes.Read(now),
            WriteTime = writeTime.Read(now),
            Flushes = LaneEvents.FlushesByCause(),
            Lanes = held.Count,
            LaneRows = held.Sum(lane => lane.Rows),
            LaneBytes = held.Sum(lane => lane.Bytes),
            OldestCaller = OldestCaller,
            OldestInLane = OldestInLane,
            Events = LaneEvents.ByEvent(),
            Attempts = LaneEvents.Attempts,
        };
    }

    private static long MicrosecondsOf(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <summary>What one lane on this node holds; written by its actor, read by whoever looks.</summary>
internal sealed class LaneGauge
{
    private long oldestTicks;
    private long rows;
    private long bytes;
    private long journalRows;
    private long journalBytes;

    /// <summary>When the oldest row came to the lane that it has not written (UTC); 0 where it holds none.</summary>
    public long OldestTicks => Volatile.Read(ref oldestTicks);

    /// <summary>Rows that are accepted and not written, in memory or in the journal alone.</summary>
    public long JournalRows => Volatile.Read(ref journalRows);

    /// <summary>Bytes of their tuples.</summary>
    public long JournalBytes => Volatile.Read(ref journalBytes);

    /// <summary>Rows that wait or are being written.</summary>
    public long Rows => Volatile.Read(ref rows);

    /// <summary>Bytes of their tuples.</summary>
    public long Bytes => Volatile.Read(ref bytes);

    public void SetJournal(long rowsJournaled, long bytesJournaled)
    {
        Volatile.Write(ref journalRows, rowsJournaled);
        Volatile.Write(ref journalBytes, bytesJournaled);
    }

    public void Set(long rowsHeld, long bytesHeld, DateTimeOffset? oldest)
    {
        Volatile.Write(ref rows, rowsHeld);
        Volatile.Write(ref bytes, bytesHeld);
        Volatile.Write(ref oldestTicks, oldest?.UtcTicks ?? 0);
    }
}
