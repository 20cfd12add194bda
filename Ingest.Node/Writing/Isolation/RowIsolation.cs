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
    private readonly HashSet<int> suspects = [];
    private readonly List<(Suspicion Suspicion, HashSet<int> Found)> searches = [];

    public RowIsolation(
        LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
    {
        trials = new RowTrials(transaction, fitted, meter, cancellation);
        suspicions = Suspicions.Of(fitted.Table!);
    }

    private BatchRows Rows => trials.Rows;

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <returns>The rejected rows; all others are written.</returns>
    public async Task<ImmutableArray<RejectedRow>> RunAsync(CopyFailedException? first)
    {
        if (first is not null && Rows.Count == 1 && !MayNameColumn(first))
        {
            // PostgreSQL has judged it already.
            trials.Reject(Rows, 0, first.Error);
            return trials.Drain();
        }

        await trials.BeginAsync();
        if (first is not null) trials.NotePolicy(first.Error);
        var isEachTried = (Rows.Count is > 1 and <= Few || (first is null && suspicions.IsEachToBeTried))
            && await trials.TryStageAsync();
        if (isEachTried) suspects.UnionWith(Enumerable.Range(0, Rows.Count));
        else await CopyRestAsync(await CopyUnsuspectedAsync(first));
        if (suspects.Count > 0) await InsertSuspectsAsync();
        if (Rows.Count > Few) new Hindsight(trials, suspicions).Learn(searches);
        return trials.Drain();
    }

    /// <summary>
    /// For rows whose likes may be in the table. One statement writes all of them and says which were there, so bad
    /// ones are found by the server's loop first, whose work is taken back, and the others are written as if there were
    /// none.
    /// </summary>
    /// <param name="first">As in <see cref="RunAsync"/>.</param>
    public async Task<ImmutableArray<RejectedRow>> RunMergeAsync(CopyFailedException? first)
    {
        await trials.BeginAsync();
        if (first is not null) trials.NotePolicy(first.Error);
        if (Rows.Count > 1 && await trials.TryFindRefusedAsync() is { } refused)
        {
            var places = refused.Select(row => (row.Gateway, row.Position)).ToHashSet();
            var bad = Enumerable.Range(0, Rows.Count).Where(index => places.Contains(Rows.PlaceOf(index))).ToHashSet();
            var good = new BatchRows(Rows.Without(bad), inOrder: true);
            if (await trials.TryCopyAsync(good, new RowRange(0, good.Count), IsRow) is null)
            {
                trials.Reject(refused);
                if (Rows.Count > Few) suspicions.Note([], [], isEachToBeTried: refused.Count > 0);
                return trials.Drain();
            }
        }

        await trials.CopyRangesAsync(Rows, new IsolationPlan(Rows.Count), IsRow);
        return trials.Drain();
    }

    /// <summary>Ranges alone, for errors of which it is not sure that they are a row's.</summary>
    public async Task<ImmutableArray<RejectedRow>> RunPlanAsync(Func<ErrorKind, bool> isRowsFault)
    {
        await trials.BeginAsync();
        await trials.CopyRangesAsync(Rows, new IsolationPlan(Rows.Count), isRowsFault);
        return trials.Drain();
    }

    /// <summary>Copies the rows that nothing speaks against, and looks for more to speak against them where that
    /// fails.</summary>
    /// <returns>What is left to be copied, and why all of it failed, if it was tried.</returns>
    private async Task<Rest> CopyUnsuspectedAsync(CopyFailedException? first)
    {
        foreach (var suspicion in suspicions.Strong) await SuspectAsync(suspicion);
        var rest = Rest.Of(Rows, suspects, suspects.Count == 0 ? first : null);
        var failure = first;
        while (failure is null || await LearnAsync(failure))
        {
            rest = Rest.Of(Rows, suspects, failure: null);
            failure = await trials.TryCopyAsync(rest.Rows, new RowRange(0, rest.Rows.Count), IsRow);
            if (failure is null) return Rest.None;
            rest = rest with { Failure = failure };
        }

        return rest;
    }

    /// <returns>False where the failure teaches nothing new.</returns>
    private async Task<bool> LearnAsync(CopyFailedException failure)
    {
        var kind = RefusalKind.Of(RowError.Of(failure.Error));
        if (!ConstraintCheck.IsFor(kind)) return false;
        foreach (var check in await trials.FindChecksAsync(kind))
        {
            if (searches.Count == Suspicions.Most) return false;
            var isNew = searches.All(search => !search.Suspicion.Identity.Equals(check.Identity));
            if (isNew && await SuspectAsync(check)) return true;
        }

        return false;
    }

    private async Task<bool> SuspectAsync(Suspicion suspicion)
    {
        var found = await trials.FindAsync(suspicion);
        if (found is null) suspicions.Forget(suspicion);
        if (found is null) return false;
        searches.Add((suspicion, found));
        suspects.UnionWith(found);
        return found.Count > 0;
    }

    private async Task CopyRestAsync(Rest rest)
    {
        if (rest.Rows.Count == 0) return;
        if (rest.Failure is { } whole && IsOneOfMany(whole.Named, rest.Rows.Count) && await trials.TryStageAsync())
        {
            suspects.UnionWith(rest.Indexes);
            return;
        }

        var plan = new IsolationPlan(rest.Rows.Count);
        if (rest.Failure is { } failure && rest.Rows.Count > 1 && plan.TryNext(out var range))
            plan.Failed(range, failure.Named);
        var untried = await trials.CopyRangesAsync(rest.Rows, plan, IsRow, IsEnough);
        suspects.UnionWith(rest.Indexes[untried..]);

        async ValueTask<bool> IsEnough(CopyFailedException last) =>
            (last.Named is null || plan.Failures > MostFailures) && await trials.TryStageAsync();
    }

    /// <summary>Whether there seem to be more bad rows than ranges are good for. Where PostgreSQL names no row, halving
    /// would cost as much as trying each one.</summary>
    private static bool IsOneOfMany(int? named, int rows) =>
        named is not { } row || rows / (row + 1) > MostFailures;

    private async Task InsertSuspectsAsync()
    {
        var indexes = suspects.Order().ToArray();
        while (indexes.Length > 0 && !await trials.TryInsertAsync(indexes))
        {
            // What stopped the loop may be a policy that it did not know: a COPY tells.
            var known = suspicions.Policies.Length;
            var rows = new BatchRows(Rows.Only(indexes));
            var untried = await trials.CopyRangesAsync(
                rows, new IsolationPlan(rows.Count), IsRow, _ => new(suspicions.Policies.Length > known));
            indexes = indexes[untried..];
        }
    }

    // An INSERT does not say which column a value is bad for; a COPY does.
    private static bool MayNameColumn(CopyFailedException failure) =>
        failure.Named is null && failure.Error.SqlState.StartsWith("22", StringComparison.Ordinal);

    private static bool IsRow(ErrorKind kind) => kind == ErrorKind.Row;

    /// <summary>The rows that are not suspected.</summary>
    /// <param name="Indexes">Where each of them is in the batch.</param>
    /// <param name="Failure">Why copying all of them failed; null where that was not tried.</param>
    private sealed record Rest(BatchRows Rows, int[] Indexes, CopyFailedException? Failure)
    {
        public static readonly Rest None = new(new BatchRows([]), [], Failure: null);

        public static Rest Of(BatchRows rows, HashSet<int> suspects, CopyFailedException? failure) => new(
            suspects.Count == 0 ? rows : new BatchRows(rows.Without(suspects)),
            [.. Enumerable.Range(0, rows.Count).Where(index => !suspects.Contains(index))],
            failure);
    }
}
