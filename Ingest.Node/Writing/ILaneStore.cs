using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// Where a lane's batches and positions are kept. What it promises: a batch is written whole (but for its rejected
/// rows) together with the moves of its positions, or not at all; and of two incarnations of a lane that try to move
/// the same position, one moves it and the other is <see cref="WriteFailure.Fenced"/>.
/// </summary>
internal interface ILaneStore
{
    /// <summary>Reads the positions of all gateways in a lane.</summary>
    /// <returns><see cref="LedgerRead"/>, or <see cref="Failed"/> where the database does not answer.</returns>
    Task<object> ReadLedgerAsync(LaneId lane, CancellationToken cancellation);

    /// <summary>Remembers how far a lane's journal is settled.</summary>
    /// <returns><see cref="JournalMarked"/>, or <see cref="Failed"/> where the database does not answer.</returns>
    Task<object> MarkJournalAsync(MarkJournal mark, CancellationToken cancellation);

    /// <summary>Writes a batch in one transaction. Before its deadline, or not: then the attempt is
    /// cancelled.</summary>
    Task<WriteResult> WriteAsync(Batch batch, CancellationToken cancellation);

    /// <summary>
    /// Finds out what became of a batch whose commit had an unknown outcome; waits for a transaction that still holds
    /// it.
    /// </summary>
    /// <returns><see cref="Written"/> where it is there; <see cref="WriteFailure.Transient"/> where it is known not to
    /// be; <see cref="WriteFailure.InDoubt"/> where that cannot be found out now.</returns>
    Task<WriteResult> ResolveAsync(Batch batch, CancellationToken cancellation);

    /// <summary>Reads the verdicts of positions that the ledger has passed.</summary>
    /// <returns><see cref="VerdictsRead"/>, or <see cref="Failed"/> where the database does not answer: the gateway
    /// asks again.</returns>
    Task<object> ReadVerdictsAsync(LaneId lane, PositionRange range, CancellationToken cancellation);
}
