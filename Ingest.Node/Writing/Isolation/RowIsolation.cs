using System.Collections.Immutable;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Writes each row of a batch that can be written, within one transaction, and rejects each that cannot. It tries three
/// ways, the cheapest first:
/// <list type="number">
/// <item>Rows that are likely to be refused are looked for all at once, and the others are copied. What is looked for
/// is what has refused a row of this batch (<see cref="ConstraintCheck"/>), or keeps coming
/// (<see cref="Suspicions"/>).</item>
/// <item>If that fails still, for a reason that cannot be looked up, and few rows seem to be bad,
/// <see cref="IsolationPlan"/> copies ranges of rows.</item>
/// <item>Suspects, rows of which many seem to be bad, and small batches are inserted by the server, in small blocks
/// and one by one, in one round trip (<see cref="InsertLoop"/>).</item>
/// </list>
/// Whatever the way, only a row that PostgreSQL has refused when it was tried alone is rejected.
/// </summary>
internal sealed class RowIsolation
{
    // The server's loop costs some 2 us a row; a COPY that fails costs both sides 1 to 3 ms.
    public const int Few = 256;

    public const int MostFailures = 8;

    private readonly RowTrials trials;
    private readonly Suspicions suspicions;
    private readonly Suspects suspects;

    public RowIsolation(
        LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
    {
        trials = new RowTrials(transaction, fitted, meter, cancellation);
        suspicions = Suspicions.Of(fitted.Table!);
        suspects = new Suspects(trials, suspicions);
    }

    private BatchRows Rows => trials.Rows;

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <returns>The rejected rows; all others are written.</returns>
    public async Task<ImmutableArray<RejectedRow>> RunAsync(CopyFailedException? first)
    {
        if (first is not null && Rows.Count == 1 && !MayNameColumn(first))
        {
            // PostgreSQL has judged it already.
            trials.Reject(Rows, 0, RowError.Of(first.Error));
            return trials.Drain();
        }

        await trials.BeginAsync();
        if (first is not null) trials.NotePolicy(first.Error);
        var isEachTried = (Rows.Count is > 1 and <= Few || (first is null && suspicions.IsEachToBeTried))
            && await trials.TryStageAsync();
        if (isEachTried) suspects.Add(Enumerable.Range(0, Rows.Count));
        else await CopyRestAsync(await CopyUnsuspectedAsync(first));
        if (suspects.Indexes.Count > 0) await InsertSuspectsAsync();
        if (Rows.Count > Few) new Hindsight(trials, suspicions).Learn(suspects.Searches);
        return trials.Drain();
    }

    /// <summary>Ranges alone, for errors of which it is not sure that they are a row's.</summary>
    public async Task<ImmutableArray<RejectedRow>> RunPlanAsync(Func<ErrorKind, bool> isRowsFault)
    {
        await trials.BeginAsync();
        await trials.CopyRangesAsync(trials.InOrder, new IsolationPlan(trials.InOrder.Count), isRowsFault);
        return trials.Drain();
    }

    /// <summary>Copies the rows that nothing speaks against, and looks for more to speak against them where that
    /// fails.</summary>
    /// <returns>What is left to be copied, and why all of it failed, if it was tried.</returns>
    private async Task<Rest> CopyUnsuspectedAsync(CopyFailedException? first)
    {
        await suspects.FindStrongAsync();
        var rest = Rest.Of(Rows, suspects.Indexes, suspects.Indexes.Count == 0 ? first : null);
        var failure = first;
        while (failure is null || await suspects.LearnAsync(failure))
        {
            rest = Rest.Of(Rows, suspects.Indexes, failure: null);
            failure = await trials.TryCopyAsync(rest.Rows, new RowRange(0, rest.Rows.Count), RowTrials.IsRow);
            if (failure is null) return Rest.None;
            rest = rest with { Failure = failure };
        }

        return rest;
    }

    private async Task CopyRestAsync(Rest rest)
    {
        if (rest.Rows.Count == 0) return;
        if (rest.Failure is { } whole && IsOneOfMany(whole.Named, rest.Rows.Count) && await trials.TryStageAsync())
        {
            suspects.Add(rest.Indexes);
            return;
        }

        var plan = new IsolationPlan(rest.Rows.Count);
        if (rest.Failure is { } failure && rest.Rows.Count > 1 && plan.TryNext(out var range))
            plan.Failed(range, failure.Named);
        var untried = await trials.CopyRangesAsync(rest.Rows, plan, RowTrials.IsRow, IsEnough);
        suspects.Add(rest.Indexes[untried..]);

        async ValueTask<bool> IsEnough(CopyFailedException last) =>
            (last.Named is null || plan.Failures > MostFailures) && await trials.TryStageAsync();
    }

    /// <summary>Whether there seem to be more bad rows than ranges are good for. Where PostgreSQL names no row, halving
    /// would cost as much as trying each one.</summary>
    private static bool IsOneOfMany(int? named, int rows) =>
        named is not { } row || rows / (row + 1) > MostFailures;

    private async Task InsertSuspectsAsync()
    {
        var indexes = suspects.Indexes.Order().ToArray();
        while (indexes.Length > 0 && !await trials.TryInsertAsync(indexes))
        {
            // What stopped the loop may be a policy that it did not know: a COPY tells.
            var known = suspicions.Policies.Length;
            var rows = new BatchRows(Rows.Only(indexes));
            var untried = await trials.CopyRangesAsync(
                rows, new IsolationPlan(rows.Count), RowTrials.IsRow, _ => new(suspicions.Policies.Length > known));
            indexes = indexes[untried..];
        }
    }

    // An INSERT does not say which column a value is bad for; a COPY does.
    private static bool MayNameColumn(CopyFailedException failure) =>
        failure.Named is null && failure.Error.SqlState.StartsWith("22", StringComparison.Ordinal);

    /// <summary>The rows that are not suspected.</summary>
    /// <param name="Indexes">Where each of them is in the batch.</param>
    /// <param name="Failure">Why copying all of them failed; null where that was not tried.</param>
    private sealed record Rest(BatchRows Rows, int[] Indexes, CopyFailedException? Failure)
    {
        public static readonly Rest None = new(new BatchRows([]), [], Failure: null);

        public static Rest Of(BatchRows rows, IReadOnlySet<int> suspects, CopyFailedException? failure) => new(
            suspects.Count == 0 ? rows : new BatchRows(rows.Without(suspects)),
            [.. Enumerable.Range(0, rows.Count).Where(index => !suspects.Contains(index))],
            failure);
    }
}
