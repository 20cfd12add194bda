using System.Collections.Immutable;

namespace Ingest.Messages;

/// <summary>A message that cluster sharding routes to a lane.</summary>
public interface ILaneMessage
{
    LaneId Lane { get; }
}

/// <summary>A message that a lane sends back to a gateway.</summary>
public interface IGatewayMessage
{
    LaneId Lane { get; }
}

/// <summary>
/// The protocol between a gateway and a lane, which makes at-most-once actor messages exactly-once writes.
/// <para>
/// A gateway numbers its rows 1, 2, 3, ... for each lane: a row's <em>position</em>. Envelopes carry consecutive
/// positions and are kept until every row in them is settled. A lane accepts only the next position of each gateway. A
/// gap makes it ask for what is missing (<see cref="Expected"/>); what it has seen already is answered from the ledger.
/// The ledger holds one position for each lane and gateway: all rows up to it are settled.
/// </para>
/// </summary>
public static class LaneProtocol
{
    /// <summary>Rows on their way to a lane.</summary>
    /// <param name="Lane">The lane that writes them.</param>
    /// <param name="Gateway">The gateway that keeps them until they are settled.</param>
    /// <param name="First">The position of the first row.</param>
    /// <param name="Count">The number of positions; equal to the number of rows in <paramref name="Runs"/>, or, where
    /// that is empty, positions that the gateway has given up on and that are to be skipped.</param>
    /// <param name="Base">The gateway's lowest position that is not settled: a lane need not wait for anything
    /// below.</param>
    /// <param name="Deadline">No attempt to write may start after this time (UTC).</param>
    /// <param name="Runs">The rows, in order of position.</param>
    public sealed record Envelope(
        LaneId Lane,
        GatewayId Gateway,
        long First,
        int Count,
        long Base,
        DateTimeOffset Deadline,
        ImmutableArray<RowRun> Runs) : ILaneMessage
    {
        /// <summary>The position of the last row.</summary>
        public long Last => First + Count - 1;

        /// <summary>The idempotency keys of the rows that have one, in order of row; most have none.</summary>
        public ImmutableArray<RowKey> Keys { get; init; } = [];

        /// <summary>The requests that are traced among those whose rows these are; as a rule there are none.</summary>
        public ImmutableArray<RowTrace> Traces { get; init; } = [];

        /// <summary>The level that the callers of all of its rows have asked for.</summary>
        public Acknowledge Acknowledge { get; init; }

        /// <summary>True where the gateway has sent these rows before: another incarnation of the lane may have
        /// them.</summary>
        public bool IsResent { get; init; }

        /// <summary>True where the gateway has given up on these positions.</summary>
        public bool IsSkip => Runs.IsEmpty && !IsReminder;

        /// <summary>True where the gateway has been told that these positions are accepted, and so keeps no rows: the
        /// lane's journal must have them.</summary>
        public bool IsReminder => Runs.IsEmpty && Acknowledge == Acknowledge.Accepted;

        /// <summary>The bytes of <paramref name="count"/> tuples from row <paramref name="offset"/> (counted from 0)
        /// on.</summary>
        public long BytesOf(int offset, int count)
        {
            long bytes = 0;
            foreach (var run in Runs)
            {
                if (count == 0) break;
                if (offset < run.Count)
                {
                    var taken = Math.Min(count, run.Count - offset);
                    bytes += run.Slice(offset, taken).Length;
                    count -= taken;
                    offset = 0;
                }
                else offset -= run.Count;
            }

            return bytes;
        }
    }

    /// <summary>Asks a lane how far it has come; answered by <see cref="Expected"/>, and by verdicts for what is
    /// settled.</summary>
    /// <param name="Base">The gateway's lowest position that is not settled.</param>
    /// <param name="Next">The position that the gateway will give to its next row.</param>
    public sealed record Probe(LaneId Lane, GatewayId Gateway, long Base, long Next) : ILaneMessage;

    /// <summary>Asks a lane to write what it holds at once, whatever its age: a gateway is about to stop.</summary>
    public sealed record FlushNow(LaneId Lane) : ILaneMessage;

    /// <summary>
    /// The rows of one gateway from <paramref name="First"/> to <paramref name="Last"/> have
    /// <paramref name="Outcome"/>, but for the <paramref name="Rejections"/> among them.
    /// </summary>
    /// <param name="Outcome"><see cref="VerdictKind.Committed"/>, <see cref="VerdictKind.NotWritten"/>,
    /// <see cref="VerdictKind.Overloaded"/>; or <see cref="VerdictKind.Accepted"/>, which settles nothing yet: the rows
    /// are in the journal, and the gateway need not keep them.</param>
    /// <param name="Rejections">In order of position; the default (empty) where no row was rejected.</param>
    public sealed record Settled(
        LaneId Lane,
        GatewayId Gateway,
        long First,
        long Last,
        VerdictKind Outcome,
        ImmutableArray<RowRejection> Rejections) : IGatewayMessage
    {
        /// <summary>The committed rows that repeat an earlier one, in order of position; as a rule there are
        /// none.</summary>
        public ImmutableArray<RowRepeat> Repeats { get; init; } = [];

        /// <summary>True where the ledger says so, which is the last word; else what this incarnation of the lane has
        /// given up on, another one may still write from the journal.</summary>
        public bool IsRecorded { get; init; }
    }

    /// <summary>
    /// The lane holds, or has settled, every position below <paramref name="Next"/>; the gateway sends what it keeps
    /// from there on, again if need be.
    /// </summary>
    /// <param name="Full">The lane's buffer is full: send again after a pause, not at once.</param>
    public sealed record Expected(LaneId Lane, GatewayId Gateway, long Next, bool Full) : IGatewayMessage;

    /// <summary>One rejected row, by position.</summary>
    public readonly record struct RowRejection(long Position, Rejection Rejection);
}

/// <summary>
/// Consecutive rows of one shape: their tuples in PostgreSQL's binary COPY format, one behind the other. The bytes are
/// written once, at the gateway, and are never changed afterwards; everybody on the way shares them.
/// </summary>
/// <param name="Shape">The columns of each tuple.</param>
/// <param name="Tuples">The tuples' bytes.</param>
/// <param name="Ends">For each row, the offset in <paramref name="Tuples"/> just behind its tuple.</param>
public sealed record RowRun(Shape Shape, ReadOnlyMemory<byte> Tuples, ImmutableArray<int> Ends)
{
    public int Count => Ends.Length;

    /// <summary>The bytes of <paramref name="count"/> rows from row <paramref name="first"/> on.</summary>
    public ReadOnlyMemory<byte> Slice(int first, int count)
    {
        var start = first == 0 ? 0 : Ends[first - 1];
        return Tuples[start..(count == 0 ? start : Ends[first + count - 1])];
    }
}
