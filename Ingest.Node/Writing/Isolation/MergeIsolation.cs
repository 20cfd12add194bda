using System.Collections.Immutable;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// As <see cref="RowIsolation"/>, for rows whose likes may be in the table. One statement writes all of them and says
/// which were there, and of rows that are alike their order decides. So nothing is written apart: bad rows are found
/// first by the server's loop, whose work is taken back, and the others are written as if there were none. The loop
/// tries suspects alone, and all rows where that is not enough.
/// </summary>
internal sealed class MergeIsolation
{
    private readonly RowTrials trials;
    private readonly Suspicions suspicions;
    private readonly Suspects suspects;

    public MergeIsolation(
        LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
    {
        trials = new RowTrials(transaction, fitted, meter, cancellation);
        suspicions = Suspicions.Of(fitted.Table!);
        suspects = new Suspects(trials, suspicions);
    }

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <returns>The rejected rows; all others are written.</returns>
    public async Task<ImmutableArray<RejectedRow>> RunAsync(CopyFailedException? first)
    {
        await trials.BeginAsync(first);
        var isLarge = trials.Rows.Count > RowIsolation.Few;
        var isWritten = (isLarge && !suspicions.IsEachToBeTried && await TrySuspectsAsync(first))
            || (trials.Rows.Count > 1 && (await TryAsync([.. Enumerable.Range(0, trials.Rows.Count)])).IsWritten);
        if (!isWritten)
            await trials.CopyRangesAsync(trials.InOrder, new IsolationPlan(trials.InOrder.Count));
        if (isLarge) new Hindsight(trials, suspicions).Learn(suspects.Searches);
        return trials.Drain();
    }

    private async Task<bool> TrySuspectsAsync(CopyFailedException? first)
    {
        await suspects.FindStrongAsync();
        var (isWritten, failure) = suspects.Indexes.Count == 0 && first is not null
            ? (false, first)
            : await TryAsync([.. suspects.Indexes.Order()]);
        while (failure is not null && await suspects.LearnAsync(failure))
            (isWritten, failure) = await TryAsync([.. suspects.Indexes.Order()]);
        return isWritten;
    }

    /// <summary>Writes all rows but those that are refused of some.</summary>
    /// <param name="indexes">The rows to try, in ascending order.</param>
    /// <returns>Why they are not written, where that is known.</returns>
    private async Task<(bool IsWritten, CopyFailedException? Failure)> TryAsync(int[] indexes)
    {
        if (await trials.TryFindRefusedAsync(indexes) is not { } refused) return (false, null);
        var places = refused.Select(row => trials.Rows.PlaceOf(row.Index)).ToHashSet();
        var bad = Enumerable.Range(0, trials.InOrder.Count)
            .Where(index => places.Contains(trials.InOrder.PlaceOf(index)))
            .ToHashSet();
        var good = new BatchRows(trials.InOrder.Without(bad), inOrder: true);
        var failure = await trials.TryCopyAsync(good, new RowRange(0, good.Count));
        if (failure is not null) return (false, failure);
        foreach (var (index, error) in refused) trials.Reject(trials.Rows, index, error);
        return (true, null);
    }
}
