using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Serialization;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Ingest.Messages.Wire;

/// <summary>
/// Turns parsed protobuf messages into messages of the lane protocol, and refuses those that are not whole. What it
/// allocates is bounded by the bytes that really arrived: nothing is sized by a number that a message merely claims.
/// A run's tuples keep pointing at the one copy that the protobuf parser made.
/// </summary>
internal sealed class LaneDecoder
{
    private const int GuidBytes = 16;

    private readonly ShapeInterner shapes = new();

    /// <exception cref="SerializationException">The message breaks a rule of the protocol.</exception>
    public LaneProtocol.Envelope Decode(V1.Envelope wire)
    {
        LaneRules.Require(
            (wire.Skip || wire.Reminder) == (wire.Runs.Count == 0), "an envelope has runs unless it skips or reminds");
        LaneRules.Require(
            wire.Reminder ? !wire.Skip && wire.Acknowledge == V1.Acknowledge.Accepted
                : !wire.Skip || wire.Acknowledge == V1.Acknowledge.Committed,
            "a reminder is of accepted rows, and a skip of none");
        LaneRules.Require(
            wire.DeadlineTicks >= 0 && wire.DeadlineTicks <= DateTime.MaxValue.Ticks,
            "a deadline is a time that .NET knows");
        var envelope = new LaneProtocol.Envelope(
            Decode(wire.Lane),
            Decode(wire.Gateway),
            wire.First,
            wire.Count,
            wire.Base,
            new DateTimeOffset(wire.DeadlineTicks, TimeSpan.Zero),
            Decode(wire.Runs, Decode(wire.Shapes)))
        {
            Keys = [.. wire.Keys.Select(key => new RowKey(unchecked((int)key.Row), key.Key, DecodeGuid(key.Digest)))],
            Traces = [.. wire.Traces.Select(trace => new RowTrace(
                unchecked((int)trace.Row), unchecked((int)trace.Count), TraceContext.Decode(trace.Context)))],
            Acknowledge = (Acknowledge)wire.Acknowledge,
            IsResent = wire.Resent,
        };
        LaneRules.Check(envelope);
        return envelope;
    }

    /// <exception cref="SerializationException">The message breaks a rule of the protocol.</exception>
    public static LaneProtocol.Probe Decode(V1.Probe wire)
    {
        var probe = new LaneProtocol.Probe(Decode(wire.Lane), Decode(wire.Gateway), wire.Base, wire.Next);
        LaneRules.Check(probe);
        return probe;
    }

    /// <exception cref="SerializationException">The message breaks a rule of the protocol.</exception>
    public static LaneProtocol.FlushNow Decode(V1.FlushNow wire)
    {
        var flush = new LaneProtocol.FlushNow(Decode(wire.Lane));
        LaneRules.Check(flush);
        return flush;
    }

    /// <exception cref="SerializationException">The message breaks a rule of the protocol.</exception>
    public static LaneProtocol.Settled Decode(V1.Settled wire)
    {
        LaneRules.Require(wire.Rejected == wire.Rejections.Count, "all rejections that were announced are there");
        LaneRules.Require(wire.Repeated == wire.Repeats.Count, "all repeats that were announced are there");
        var settled = new LaneProtocol.Settled(
            Decode(wire.Lane),
            Decode(wire.Gateway),
            wire.First,
            wire.Last,
            Decode(wire.Outcome),
            [.. wire.Rejections.Select(Decode)])
        {
            Repeats = [.. wire.Repeats.Select(repeat => new RowRepeat(repeat.Position, repeat.Id))],
            IsRecorded = wire.Recorded,
        };
        LaneRules.Check(settled);
        return settled;
    }

    /// <exception cref="SerializationException">The message breaks a rule of the protocol.</exception>
    public static LaneProtocol.Expected Decode(V1.Expected wire)
    {
        LaneRules.Require(wire.HasFull, "an expected position says whether the lane is full");
        var expected = new LaneProtocol.Expected(Decode(wire.Lane), Decode(wire.Gateway), wire.Next, wire.Full);
        LaneRules.Check(expected);
        return expected;
    }

    private static LaneId Decode(V1.Lane? wire)
    {
        LaneRules.Require(wire is not null, "a message names its lane");
        return new LaneId(wire!.Table, wire.Number);
    }

    private static GatewayId Decode(ByteString wire) => new(DecodeGuid(wire));

    private static Guid DecodeGuid(ByteString wire)
    {
        LaneRules.Require(wire.Length == GuidBytes, "a gateway's id, and a digest, has 16 bytes");
        return new Guid(wire.Span, bigEndian: true);
    }

    private static VerdictKind Decode(V1.Outcome wire) => wire switch
    {
        V1.Outcome.Committed => VerdictKind.Committed,
        V1.Outcome.NotWritten => VerdictKind.NotWritten,
        V1.Outcome.Accepted => VerdictKind.Accepted,
        V1.Outcome.Overloaded => VerdictKind.Overloaded,
        // The rules refuse it with all others that settle nothing.
        _ => VerdictKind.Pending,
    };

    private static LaneProtocol.RowRejection Decode(V1.RowRejection wire)
    {
        LaneRules.Require(wire.Rejection is not null, "a rejected row has a rejection");
        return new LaneProtocol.RowRejection(wire.Position, Decode(wire.Rejection!));
    }

    private static Rejection Decode(V1.Rejection wire) => new(
        wire.SqlState,
        wire.Message,
        wire.HasConstraint ? wire.Constraint : null,
        wire.HasColumn ? wire.Column : null);

    private Shape[] Decode(RepeatedField<V1.Shape> wire)
    {
        var table = new Shape[wire.Count];
        for (var i = 0; i < table.Length; i++)
        {
            var columns = wire[i].Columns;
            LaneRules.Require(
                columns.Count <= LaneRules.MaxColumns,
                "a shape has no more columns than a table can have");
            table[i] = shapes.Intern(new Shape([.. columns.Select(c => new ShapeColumn(c.Name, c.Codec))]));
        }
        return table;
    }

    private static ImmutableArray<RowRun> Decode(RepeatedField<V1.Run> wire, Shape[] table)
    {
        var runs = new RowRun[wire.Count];
        for (var i = 0; i < runs.Length; i++)
        {
            var run = wire[i];
            LaneRules.Require(run.Shape < (uint)table.Length, "a run's shape is in the envelope's table");
            runs[i] = new RowRun(table[run.Shape], run.Tuples.Memory, Ends(run.Lengths));
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(runs);
    }

    /// <summary>
    /// Adds up claimed lengths. A sum that wraps around gives an end that is not behind the one before it, and the
    /// rules refuse such a run.
    /// </summary>
    private static ImmutableArray<int> Ends(RepeatedField<uint> lengths)
    {
        var ends = new int[lengths.Count];
        var end = 0;
        for (var row = 0; row < ends.Length; row++)
        {
            end = unchecked(end + (int)lengths[row]);
            ends[row] = end;
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(ends);
    }
}
