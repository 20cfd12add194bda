namespace Ingest.Node.Observability;

/// <summary>This node at one moment. Counters count since <paramref name="Since"/>: a rate is the difference of two
/// snapshots.</summary>
/// <param name="Since">When the node started.</param>
/// <param name="At">When the snapshot was taken.</param>
/// <param name="InFlight">What was admitted and is not settled.</param>
/// <param name="Tables">One for each table that had a row or a lane here, ordered by name.</param>
internal sealed record NodeSnapshot(
    DateTimeOffset Since, DateTimeOffset At, InFlight InFlight, IReadOnlyList<TableSnapshot> Tables);

/// <summary>What was admitted on this node and is not settled, and what may be.</summary>
internal readonly record struct InFlight(long Rows, long Bytes, long MaxRows, long MaxBytes);

/// <summary>One table on this node. <see cref="Received"/> is the sum of <see cref="Committed"/>,
/// <see cref="Rejected"/>, <see cref="NotWritten"/>, <see cref="Unknown"/> and <see cref="Pending"/>.</summary>
internal sealed record TableSnapshot(string Table)
{
    public required long Received { get; init; }

    public required long Committed { get; init; }

    /// <summary>Every reason, also those that have not occurred, by the value of <c>ingest.reason</c>.</summary>
    public required IReadOnlyDictionary<string, long> RejectedByReason { get; init; }

    public required long NotWritten { get; init; }

    public required long Unknown { get; init; }

    /// <summary>How many of the pending rows are accepted: in the journal, and not yet written.</summary>
    public required long Accepted { get; init; }

    /// <summary>Not part of <see cref="Received"/>.</summary>
    public required long Repeated { get; init; }

    public long Rejected => RejectedByReason.Values.Sum();

    public long Pending => Received - Committed - Rejected - NotWritten - Unknown;

    /// <summary>From submission to verdict, in microseconds, over the last ten seconds: of each single row, and of each
    /// piece of a stream (up to 512 rows), which is one.</summary>
    public required Distribution Latency { get; init; }

    /// <summary>Rows of the batches that lanes of this node flushed in the last ten seconds.</summary>
    public required Distribution BatchRows { get; init; }

    /// <summary>Bytes of tuples of the same.</summary>
    public required Distribution BatchBytes { get; init; }

    /// <summary>Attempts to write them, from the connection to the commit, in microseconds.</summary>
    public required Distribution WriteTime { get; init; }

    /// <summary>By the value of <c>ingest.cause</c>: count, bytes, age, drain.</summary>
    public required IReadOnlyDictionary<string, long> Flushes { get; init; }

    /// <summary>By the value of <c>ingest.event</c>: resend, probe, duplicate, gap, full, retry, in_doubt,
    /// fence.</summary>
    public required IReadOnlyDictionary<string, long> Events { get; init; }

    /// <summary>Statements that tried to write rows: one a batch, and more where some of its rows are bad.</summary>
    public required long Attempts { get; init; }

    /// <summary>Lanes that live on this node.</summary>
    public required int Lanes { get; init; }

    /// <summary>Rows that these lanes hold, from all nodes.</summary>
    public required long LaneRows { get; init; }

    /// <summary>Bytes of their tuples.</summary>
    public required long LaneBytes { get; init; }

    /// <summary>How long the oldest row of a caller of this node has waited for its verdict.</summary>
    public required TimeSpan OldestCaller { get; init; }

    /// <summary>How long a lane of this node has held its oldest row.</summary>
    public required TimeSpan OldestInLane { get; init; }
}
