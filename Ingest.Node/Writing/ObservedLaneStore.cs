using Ingest.Messages;
using Ingest.Node.Observability;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Times and traces each attempt of a store to write a batch.</summary>
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
        using var span = BatchTracing.Start(batch);
        var result = await store.WriteAsync(batch, cancellation);
        var outcome = OutcomeOf(result);
        if (result is Written) metrics.IsDatabaseFull = false;
        else if (result is Failed { IsDiskFull: true }) metrics.IsDatabaseFull = true;
        BatchTracing.Close(span, outcome);
        metrics.Of(batch.Lane.Table).RecordWrite(metrics.Time.GetElapsedTime(started), outcome, result.Stats);
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
