using Ingest.Messages;
using Ingest.Node.Observability;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Times each attempt of a store to write a batch.</summary>
internal sealed class ObservedLaneStore(ILaneStore store, NodeMetrics metrics) : ILaneStore
{
    public Task<object> ReadLedgerAsync(LaneId lane, CancellationToken cancellation) =>
        store.ReadLedgerAsync(lane, cancellation);

    public Task<object> ReadVerdictsAsync(LaneId lane, PositionRange range, CancellationToken cancellation) =>
        store.ReadVerdictsAsync(lane, range, cancellation);

    public Task<object> MarkJournalAsync(MarkJournal mark, CancellationToken cancellation) =>
        store.MarkJournalAsync(mark, cancellation);

    public Task<WriteResult> ResolveAsync(Batch batch, CancellationToken cancellation) =>
        store.ResolveAsync(batch, cancellation);

    public async Task<WriteResult> WriteAsync(Batch batch, CancellationToken cancellation)
    {
        var started = metrics.Time.GetTimestamp();
        var result = await store.WriteAsync(batch, cancellation);
        metrics.Of(batch.Lane.Table).RecordWrite(metrics.Time.GetElapsedTime(started), OutcomeOf(result));
        return result;
    }

    private static string OutcomeOf(WriteResult result) => result switch
    {
        Failed { Failure: WriteFailure.Transient } => WriteOutcomes.Transient,
        Failed { Failure: WriteFailure.InDoubt } => WriteOutcomes.InDoubt,
        Failed => WriteOutcomes.Fenced,
        _ => WriteOutcomes.Written,
    };
}
