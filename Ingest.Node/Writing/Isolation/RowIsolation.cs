using System.Collections.Immutable;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Writes each row of a batch that can be written, within one transaction, and rejects each that cannot. It tries three
/// ways, the cheapest first:
/// <list type="number">
/// <item>Rows that a constraint is likely to refuse are looked up all at once, and the others are copied. What is looked
/// for is what has refused a row of this batch, or keeps coming (<see cref="Suspicions"/>).</item>
/// <item>If that fails still, for a reason that cannot be looked up, <see cref="IsolationPlan"/> copies ranges of
/// rows.</item>
/// <item>Suspects, the rest of a batch in which many ranges failed, and small batches are inserted one by one by the
/// server, in one round trip.</item>
/// </list>
/// Whatever the way, only a row that PostgreSQL has refused when it was tried alone is rejected.
/// </summary>
internal sealed class RowIsolation(
    LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
{
    // One by one a row costs the server about 10 us; a COPY that fails costs both sides 1 to 3 ms.
    public const int Few = 256;

    public const int MostFailures = 8;

    private readonly ImmutableArray<RejectedRow>.Builder rejections = fitted.Rejections.ToBuilder();
    private readonly Suspicions suspicions = Suspicions.Of(fitted.Table!);
    private readonly HashSet<int> suspects = [];
    private readonly List<(ConstraintCheck Check, HashSet<int> Found)> checks = [];
    private StagedRows? staged;
    // An INSERT would follow the table's rules, which COPY passes by.
    private bool isStagingRefused = fitted.Table!.HasInsertRule;
    private string policy = "";

    private BatchRows Rows => fitted.Rows;

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <returns>The rejected rows; all others are written.</returns>
    public async Task<ImmutableArray<RejectedRow>> RunAsync(CopyFailedException? first)
    {
        if (first is not null && Rows.Count == 1 && !MayNameColumn(first))
        {
            // PostgreSQL has judged it already.
            Reject(Rows, 0, first.Error);
            return rejections.DrainToImmutable();
        }

        await transaction.BeginIsolationAsync(cancellation);
        if (first is not null) NotePolicy(first.Error);
        if (Rows.Count is > 1 and <= Few && await TryStageAsync()) suspects.UnionWith(Enumerable.Range(0, Rows.Count));
        else await CopyRestAsync(await CopyUnsuspectedAsync(first));
        if (suspects.Count > 0) await InsertSuspectsAsync();
        if (Rows.Count > Few) suspicions.Note(UsefulChecks());
        return rejections.DrainToImmutable();
    }

    /// <summary>Ranges alone, for errors of which it is not sure that they are a row's.</summary>
    public async Task<ImmutableArray<RejectedRow>> RunPlanAsync(Func<ErrorKind, bool> isRowsFault)
    {
        await transaction.BeginIsolationAsync(cancellation);
        await CopyRangesAsync(Rows, new IsolationPlan(Rows.Count), isRowsFault);
        return rejections.DrainToImmutable();
    }

    /// <summary>Copies the rows that nothing speaks against, and looks for more to speak against them where that
    /// fails.</summary>
    /// <returns>What is left to be copied, and why all of it failed, if it was tried.</returns>
    private async Task<Rest> CopyUnsuspectedAsync(CopyFailedException? first)
    {
        foreach (var check in suspicions.Strong) await SuspectAsync(check);
        var rest = Rest.Of(Rows, suspects, suspects.Count == 0 ? first : null);
        var failure = first;
        while (failure is null || await LearnAsync(failure))
        {
            rest = Rest.Of(Rows, suspects, failure: null);
            failure = await TryCopyAsync(rest.Rows, new RowRange(0, rest.Rows.Count), IsRow);
            if (failure is null) return Rest.None;
            rest = rest with { Failure = failure };
        }

        return rest;
    }

    /// <returns>False where the failure teaches nothing new.</returns>
    private async Task<bool> LearnAsync(CopyFailedException failure)
    {
        var kind = RefusalKind.Of(RowError.Of(failure.Error));
        if (checks.Count == Suspicions.MostKinds || checks.Any(entry => entry.Check.Kind == kind))
            return false;
        var check = suspicions.Find(kind)
            ?? await TryAsync(() => transaction.FindCheckAsync(kind, cancellation));
        return check is not null && await SuspectAsync(check);
    }

    private async Task<bool> SuspectAsync(ConstraintCheck check)
    {
        if (!await TryStageAsync()) return false;
        var found = await TryAsync(() => staged!.FindAsync(check, cancellation));
        if (found is null) suspicions.Forget(check);
        if (found is null) return false;
        checks.Add((check, found));
        suspects.UnionWith(found);
        return found.Count > 0;
    }

    private async Task CopyRestAsync(Rest rest)
    {
        if (rest.Rows.Count == 0) return;
        // Where PostgreSQL names no row, halving would cost as much as trying each one.
        if (rest.Failure is { Named: null } && await TryStageAsync())
        {
            suspects.UnionWith(rest.Indexes);
            return;
        }

        var plan = new IsolationPlan(rest.Rows.Count);
        if (rest.Failure is { } failure && rest.Rows.Count > 1 && plan.TryNext(out var whole))
            plan.Failed(whole, failure.Named);
        var untried = await CopyRangesAsync(rest.Rows, plan, IsRow, IsEnough);
        suspects.UnionWith(rest.Indexes[untried..]);

        async ValueTask<bool> IsEnough(CopyFailedException last) =>
            (last.Named is null || plan.Failures > MostFailures) && await TryStageAsync();
    }

    /// <param name="isEnough">Ranges are to be tried no longer, after a failure.</param>
    /// <returns>The first row that was not tried.</returns>
    private async Task<int> CopyRangesAsync(
        BatchRows rows,
        IsolationPlan plan,
        Func<ErrorKind, bool> isRowsFault,
        Func<CopyFailedException, ValueTask<bool>>? isEnough = null)
    {
        while (plan.TryNext(out var range))
        {
            var failure = await TryCopyAsync(rows, range, isRowsFault);
            if (failure is null)
            {
                plan.Succeeded();
                continue;
            }

            var isFound = plan.Failed(range, failure.Named);
            if (isFound) Reject(rows, range.First, failure.Error);
            if (isEnough is not null && await isEnough(failure)) return isFound ? range.End : range.First;
        }

        return rows.Count;
    }

    private async Task InsertSuspectsAsync()
    {
        var indexes = suspects.Order().ToList();
        meter.CountSuspects(indexes.Count);
        if (await TryAsync(() => staged!.InsertOneByOneAsync(indexes, policy, cancellation)) is { } refused)
        {
            foreach (var (index, error) in refused) Reject(Rows, index, error);
            return;
        }

        var rows = new BatchRows(Rows.Only(indexes));
        await CopyRangesAsync(rows, new IsolationPlan(rows.Count), IsRow);
    }

    /// <returns>False where rows cannot be put into a temporary table.</returns>
    private async ValueTask<bool> TryStageAsync()
    {
        if (staged is null && !isStagingRefused)
            staged = await TryAsync(() => transaction.StageAsync(fitted.Table!, Rows, cancellation));
        isStagingRefused = staged is null;
        return staged is not null;
    }

    private async Task<CopyFailedException?> TryCopyAsync(
        BatchRows rows, RowRange range, Func<ErrorKind, bool> isRowsFault)
    {
        if (range.Count == 0) return null;
        try
        {
            meter.CountAttempt(range.Count);
            await meter.TimeAsync(transaction.CopyAsync(fitted.Table!, rows, range, cancellation));
            await transaction.KeepAsync(cancellation);
            return null;
        }
        catch (CopyFailedException failure) when (isRowsFault(SqlErrors.KindOf(failure.Error)))
        {
            await transaction.UndoAsync(cancellation);
            NotePolicy(failure.Error);
            return failure;
        }
    }

    /// <summary>Does what may not be possible with this table or by this role; there is another way then.</summary>
    private async Task<T?> TryAsync<T>(Func<Task<T>> step)
    {
        try
        {
            var result = await step();
            await transaction.KeepAsync(cancellation);
            return result;
        }
        catch (PostgresException error) when (SqlErrors.KindOf(error) != ErrorKind.Transient)
        {
            await transaction.UndoAsync(cancellation);
            return default;
        }
    }

    private void Reject(BatchRows rows, int index, PostgresException error) =>
        Reject(rows, index, RowError.Of(error));

    private void Reject(BatchRows rows, int index, RowError error) =>
        rejections.Add(rows.Reject(index, SqlErrors.ToRejection(error.In(fitted.Table!))));

    // The server's loop does not see what tells a policy's error from a missing privilege, but for its words.
    private void NotePolicy(PostgresException error)
    {
        if (SqlErrors.IsPolicyViolation(error)) policy = error.MessageText;
    }

    private List<ConstraintCheck> UsefulChecks()
    {
        var refused = rejections.Select(row => (row.Gateway, row.Position)).ToHashSet();
        return checks.Where(entry => IsUseful(entry.Found)).Select(entry => entry.Check).ToList();

        // One that suspects good rows costs more than it is worth.
        bool IsUseful(HashSet<int> found) =>
            found.Count > 0 && 2 * found.Count(index => refused.Contains(Rows.PlaceOf(index))) >= found.Count;
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
