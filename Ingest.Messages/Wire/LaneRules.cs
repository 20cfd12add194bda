using System.Runtime.Serialization;

namespace Ingest.Messages.Wire;

/// <summary>
/// What must hold for a message of the lane protocol, whoever made it. Checked before a message is encoded, so that a
/// mistake shows on the node that made it, and after one is decoded, so that none reaches an actor.
/// </summary>
internal static class LaneRules
{
    /// <summary>PostgreSQL's own limit for the columns of a table (MaxHeapAttributeNumber).</summary>
    public const int MaxColumns = 1600;

    /// <exception cref="SerializationException">A rule is broken.</exception>
    public static void Check(LaneProtocol.Envelope envelope)
    {
        Check(envelope.Lane);
        Require(envelope.Count > 0, "an envelope's count is at least 1");
        RequirePosition(envelope.First);
        RequirePosition(envelope.Base);
        Require(envelope.First <= long.MaxValue - envelope.Count, "an envelope's last position fits 64 bits");
        Require(!envelope.Runs.IsDefault, "an envelope's runs are given, if only as an empty list");
        var previousKey = -1;
        foreach (var key in envelope.Keys)
        {
            Require(
                key.Row > previousKey && key.Row < envelope.Count,
                "keys are in order of row and within their envelope");
            Require(key.Key is { Length: > 0 and <= RowKey.MaxLength }, "a key is neither empty nor too long");
            previousKey = key.Row;
        }
        Require(envelope.Traces.Length <= RowTrace.MaxInEnvelope, "an envelope has no more traces than it may");
        var nextTraced = 0;
        foreach (var trace in envelope.Traces)
        {
            Require(
                trace.Row >= nextTraced && trace.Count > 0 && trace.Row <= envelope.Count - trace.Count,
                "traces are in order of row and within their envelope");
            nextTraced = trace.Row + trace.Count;
        }
        Require(
            envelope.Acknowledge is Acknowledge.Committed or Acknowledge.Accepted,
            "an envelope's level is a known one");
        if (envelope.Runs.IsEmpty) return;
        long rows = 0;
        foreach (var run in envelope.Runs)
        {
            Check(run);
            rows += run.Count;
        }
        Require(rows == envelope.Count, "an envelope's count is the number of its rows");
    }

    /// <exception cref="SerializationException">A rule is broken.</exception>
    public static void Check(LaneProtocol.Probe probe)
    {
        Check(probe.Lane);
        RequirePosition(probe.Base);
        Require(probe.Next >= probe.Base, "a probe's next position is not below its base");
    }

    /// <exception cref="SerializationException">A rule is broken.</exception>
    public static void Check(LaneProtocol.FlushNow flush) => Check(flush.Lane);

    /// <exception cref="SerializationException">A rule is broken.</exception>
    public static void Check(LaneProtocol.Settled settled)
    {
        Check(settled.Lane);
        RequirePosition(settled.First);
        Require(settled.Last >= settled.First, "a settled range does not end before it starts");
        Require(
            settled.Outcome is VerdictKind.Committed or VerdictKind.NotWritten or VerdictKind.Accepted
                or VerdictKind.Overloaded,
            "a range is committed, not written, accepted or refused");
        var previous = settled.First - 1;
        foreach (var (position, id) in settled.Repeats)
        {
            Require(
                position > previous && position <= settled.Last,
                "repeats are in order of position and within their range");
            Require(!string.IsNullOrEmpty(id), "a repeat says what it repeats");
            previous = position;
        }
        if (settled.Rejections.IsDefaultOrEmpty) return;
        previous = settled.First - 1;
        foreach (var (position, rejection) in settled.Rejections)
        {
            Require(position > previous, "rejections are in order of position and within their range");
            Require(rejection is not null, "a rejected row has a rejection");
            previous = position;
        }
        Require(previous <= settled.Last, "rejections are within their range");
    }

    /// <exception cref="SerializationException">A rule is broken.</exception>
    public static void Check(LaneProtocol.Expected expected)
    {
        Check(expected.Lane);
        RequirePosition(expected.Next);
    }

    /// <exception cref="SerializationException">Always; <paramref name="rule"/> says which rule is broken.</exception>
    public static void Require(bool holds, string rule)
    {
        if (!holds) throw new SerializationException($"A message of the lane protocol breaks a rule: {rule}.");
    }

    private static void Check(LaneId lane)
    {
        Require(!string.IsNullOrEmpty(lane.Table), "a lane names its table");
        Require(lane.Number >= 0, "a lane's number is not negative");
    }

    private static void Check(RowRun run)
    {
        Require(run.Shape.Columns.Length <= MaxColumns, "a shape has no more columns than a table can have");
        Require(!run.Ends.IsDefaultOrEmpty, "a run has at least one row");
        var previous = 0;
        var ordered = true;
        foreach (var end in run.Ends)
        {
            ordered &= end > previous;
            previous = end;
        }
        Require(ordered, "each tuple has at least one byte");
        Require(previous == run.Tuples.Length, "a run's tuples end where its last row ends");
    }

    private static void RequirePosition(long position) => Require(position >= 1, "positions start at 1");
}
