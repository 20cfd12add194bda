using System.Collections.Immutable;

namespace Ingest.Messages;

/// <summary>
/// The protocol between a batcher and the writer that is its child. One request is under way at a time. Each answer
/// names the request, so that a stale one is told apart.
/// </summary>
public static class WriterProtocol
{
    /// <summary>Asks for the lane's positions in the ledger; answered by <see cref="LedgerRead"/>.</summary>
    public sealed record ReadLedger(LaneId Lane);

    /// <summary>Asks for a batch to be written; answered by <see cref="Written"/> or <see cref="Failed"/>.</summary>
    public sealed record Write(Batch Batch);

    /// <summary>
    /// Asks what became of a batch whose commit had an unknown outcome; answered by <see cref="Written"/>, or by
    /// <see cref="Failed"/>, not in doubt where the batch is known to be absent.
    /// </summary>
    public sealed record Resolve(Batch Batch);

    /// <summary>Asks for the verdicts of positions that the ledger has passed; answered by
    /// <see cref="VerdictsRead"/>.</summary>
    public sealed record ReadVerdicts(LaneId Lane, PositionRange Range);

    /// <summary>Asks to remember how far the lane's journal is settled; answered by <see cref="JournalMarked"/>, or by
    /// <see cref="Failed"/> about no batch.</summary>
    /// <param name="Settled">All events up to this sequence number are settled.</param>
    /// <param name="IsClean">There is no event beyond it.</param>
    public sealed record MarkJournal(LaneId Lane, long Settled, bool IsClean);

    /// <summary>The mark is kept.</summary>
    public sealed record JournalMarked(long Settled);

    /// <summary>The lane's positions: all rows of a gateway up to its position are settled.</summary>
    public sealed record LedgerRead(ImmutableArray<LedgerPosition> Positions)
    {
        /// <summary>What is known of the lane's journal.</summary>
        public JournalMark Journal { get; init; }
    }

    /// <summary>What the database of the tables knows of a lane's journal, which may be in another one.</summary>
    /// <param name="Settled">All events up to this sequence number are settled. Events before it may have been removed;
    /// it and those behind it must be there.</param>
    /// <param name="Forgiven">The operator accepts that events up to this sequence number are lost.</param>
    public readonly record struct JournalMark(long Settled, long Forgiven);

    /// <summary>How a request that changes or settles a batch ended.</summary>
    /// <param name="BatchId">The batch's id; 0 for a request about no batch.</param>
    public abstract record WriteResult(long BatchId)
    {
        /// <summary>What it took; nothing where no row was tried.</summary>
        public WriteStats Stats { get; init; }
    }

    /// <summary>The batch is committed, but for the rejected rows.</summary>
    public sealed record Written(long BatchId, ImmutableArray<RejectedRow> Rejections) : WriteResult(BatchId)
    {
        /// <summary>The rows that repeat one that was committed before.</summary>
        public ImmutableArray<RepeatedRow> Repeats { get; init; } = [];
    }

    /// <summary>The request could not be carried out now.</summary>
    /// <param name="Failure">What the batcher is to do.</param>
    /// <param name="Reason">For the log: no row's data.</param>
    public sealed record Failed(long BatchId, WriteFailure Failure, string Reason) : WriteResult(BatchId)
    {
        /// <summary>PostgreSQL's disk is full (SQLSTATE 53100).</summary>
        public bool IsDiskFull => Reason.StartsWith("53100", StringComparison.Ordinal);
    }

    /// <summary>The verdicts of settled positions, where they are not committed.</summary>
    /// <param name="Rejections">The rejected rows in the range.</param>
    /// <param name="NotWritten">The positions in the range that the lane gave up on.</param>
    public sealed record VerdictsRead(
        PositionRange Range, ImmutableArray<RejectedRow> Rejections, ImmutableArray<PositionRange> NotWritten)
    {
        /// <summary>The rows in the range that repeat one that was committed before.</summary>
        public ImmutableArray<RepeatedRow> Repeats { get; init; } = [];
    }

    /// <summary>A position in the ledger.</summary>
    public readonly record struct LedgerPosition(GatewayId Gateway, long Position);

    /// <summary>A row that was not written, since it repeats the one whose id (as JSON) it is answered with.</summary>
    public readonly record struct RepeatedRow(GatewayId Gateway, long Position, string Id);

    /// <summary>A rejected row.</summary>
    public readonly record struct RejectedRow(GatewayId Gateway, long Position, Rejection Rejection);
}

/// <summary>What it took to write a batch, over all its transactions, the failed ones included.</summary>
/// <param name="Attempts">Statements that tried rows: one for a batch without a bad row. k bad rows among n cost at
/// most O(k log n).</param>
/// <param name="RowsTried">Rows in these statements: as many as the batch has, if none is bad.</param>
/// <param name="Suspects">Rows that were set apart and tried one by one, since others like them had been
/// refused.</param>
public readonly record struct WriteStats(int Attempts, long RowsTried, int Suspects)
{
    /// <summary>How long COPY took of it; zero for a batch that was small enough to be inserted.</summary>
    public TimeSpan Copying { get; init; }
}

/// <summary>Why a write did not come to an end.</summary>
public enum WriteFailure
{
    /// <summary>Nothing was written; try again after a pause.</summary>
    Transient,

    /// <summary>The commit's outcome is unknown: resolve it before anything else.</summary>
    InDoubt,

    /// <summary>Nothing was written: another incarnation of the lane has moved the ledger. Start afresh from
    /// it.</summary>
    Fenced,
}
