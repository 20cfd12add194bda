using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Ingest.Messages.Wire;

/// <summary>
/// Turns checked messages of the lane protocol into their protobuf form. Tuples are not copied: the protobuf message
/// points at the run's own bytes, which never change.
/// </summary>
internal static class LaneEncoder
{
    private const int GuidBytes = 16;

    public static V1.Envelope Encode(LaneProtocol.Envelope envelope)
    {
        LaneRules.Check(envelope);
        var wire = new V1.Envelope
        {
            Lane = Encode(envelope.Lane),
            Gateway = Encode(envelope.Gateway.Value),
            First = envelope.First,
            Count = envelope.Count,
            Base = envelope.Base,
            DeadlineTicks = envelope.Deadline.UtcTicks,
            Skip = envelope.IsSkip,
            Reminder = envelope.IsReminder,
            Resent = envelope.IsResent,
            Acknowledge = (V1.Acknowledge)envelope.Acknowledge,
        };
        var indexes = new Dictionary<Shape, uint>();
        foreach (var run in envelope.Runs)
        {
            if (!indexes.TryGetValue(run.Shape, out var index))
            {
                index = (uint)indexes.Count;
                indexes.Add(run.Shape, index);
                wire.Shapes.Add(Encode(run.Shape));
            }
            wire.Runs.Add(Encode(run, index));
        }
        foreach (var key in envelope.Keys)
            wire.Keys.Add(new V1.RowKey { Row = (uint)key.Row, Key = key.Key, Digest = Encode(key.Digest) });
        foreach (var trace in envelope.Traces)
        {
            wire.Traces.Add(new V1.RowTrace
            {
                Row = (uint)trace.Row,
                Count = (uint)trace.Count,
                Context = TraceContext.Encode(trace.Request),
            });
        }
        return wire;
    }

    public static V1.Probe Encode(LaneProtocol.Probe probe)
    {
        LaneRules.Check(probe);
        return new V1.Probe
        {
            Lane = Encode(probe.Lane),
            Gateway = Encode(probe.Gateway.Value),
            Base = probe.Base,
            Next = probe.Next,
        };
    }

    public static V1.FlushNow Encode(LaneProtocol.FlushNow flush)
    {
        LaneRules.Check(flush);
        return new V1.FlushNow { Lane = Encode(flush.Lane) };
    }

    public static V1.Settled Encode(LaneProtocol.Settled settled)
    {
        LaneRules.Check(settled);
        var wire = new V1.Settled
        {
            Lane = Encode(settled.Lane),
            Gateway = Encode(settled.Gateway.Value),
            First = settled.First,
            Last = settled.Last,
            Outcome = (V1.Outcome)settled.Outcome,
        };
        wire.Recorded = settled.IsRecorded;
        wire.Repeated = settled.Repeats.Length;
        foreach (var (position, id) in settled.Repeats)
            wire.Repeats.Add(new V1.RowRepeat { Position = position, Id = id });
        if (settled.Rejections.IsDefaultOrEmpty) return wire;
        wire.Rejected = settled.Rejections.Length;
        foreach (var (position, rejection) in settled.Rejections)
            wire.Rejections.Add(new V1.RowRejection { Position = position, Rejection = Encode(rejection) });
        return wire;
    }

    public static V1.Expected Encode(LaneProtocol.Expected expected)
    {
        LaneRules.Check(expected);
        return new V1.Expected
        {
            Lane = Encode(expected.Lane),
            Gateway = Encode(expected.Gateway.Value),
            Next = expected.Next,
            Full = expected.Full,
        };
    }

    private static V1.Lane Encode(LaneId lane) => new() { Table = lane.Table, Number = lane.Number };

    private static ByteString Encode(Guid value)
    {
        var bytes = new byte[GuidBytes];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static V1.Shape Encode(Shape shape)
    {
        var wire = new V1.Shape();
        foreach (var column in shape.Columns)
            wire.Columns.Add(new V1.Column { Name = column.Name, Codec = column.Codec });
        return wire;
    }

    private static V1.Run Encode(RowRun run, uint shape)
    {
        // Unsafe only if somebody changed the bytes later, which RowRun forbids.
        var wire = new V1.Run { Shape = shape, Tuples = UnsafeByteOperations.UnsafeWrap(run.Tuples) };
        AddLengths(run, wire.Lengths);
        return wire;
    }

    private static void AddLengths(RowRun run, RepeatedField<uint> lengths)
    {
        lengths.Capacity = run.Count;
        var start = 0;
        foreach (var end in run.Ends)
        {
            lengths.Add((uint)(end - start));
            start = end;
        }
    }

    private static V1.Rejection Encode(Rejection rejection)
    {
        var wire = new V1.Rejection { SqlState = rejection.SqlState, Message = rejection.Message };
        // Setting an optional string to null is an error; leaving it alone is what absent means.
        if (rejection.Constraint is { } constraint) wire.Constraint = constraint;
        if (rejection.Column is { } column) wire.Column = column;
        return wire;
    }
}
