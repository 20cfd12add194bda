using System.Collections.Immutable;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Messages;

/// <summary>Why a batch was flushed.</summary>
public enum FlushCause
{
    /// <summary><c>flush-every</c> rows were there.</summary>
    Count,

    /// <summary><c>flush-bytes</c> bytes were there.</summary>
    Bytes,

    /// <summary>The oldest row was <c>flush-interval</c> old.</summary>
    Age,

    /// <summary>The lane or a gateway is stopping.</summary>
    Drain,
}

/// <summary>What a lane writes in one transaction. It stays the batcher's until there is a verdict for each of its
/// rows.</summary>
/// <param name="Id">Counts a lane incarnation's batches; an answer with another id is stale.</param>
/// <param name="Parts">The rows, and the positions given up on between them, by gateway in order of position.</param>
/// <param name="Moves">One for each gateway in the batch: from where to where its position in the ledger moves.</param>
/// <param name="Deadline">When the first of its rows gives up (UTC): an attempt that lasts longer is cancelled.</param>
public sealed record Batch(
    long Id,
    LaneId Lane,
    ImmutableArray<BatchPart> Parts,
    ImmutableArray<LedgerMove> Moves,
    DateTimeOffset Deadline,
    FlushCause Cause)
{
    /// <summary>The number of rows to write.</summary>
    public int Count { get; } = Parts.Sum(part => part.Skipped ? 0 : part.Count);
}

/// <summary>Consecutive positions of an envelope, from its row <paramref name="Offset"/> (counted from 0) on.</summary>
/// <param name="Skipped">Given up on: nothing to write, but recorded with the ledger's move over them, so that a
/// gateway that asks again hears the same.</param>
public readonly record struct BatchPart(Envelope Envelope, int Offset, int Count, bool Skipped)
{
    public long First => Envelope.First + Offset;

    public long Last => First + Count - 1;

    public PositionRange Range => new(Envelope.Gateway, First, Last);

    /// <summary>The bytes of the tuples to write.</summary>
    public long Bytes => Skipped ? 0 : Envelope.BytesOf(Offset, Count);
}

/// <summary>The ledger's position of one gateway moves; <paramref name="From"/> is 0 where it has none yet.</summary>
public readonly record struct LedgerMove(GatewayId Gateway, long From, long To);

/// <summary>Positions of one gateway, both ends included.</summary>
public readonly record struct PositionRange(GatewayId Gateway, long First, long Last);
