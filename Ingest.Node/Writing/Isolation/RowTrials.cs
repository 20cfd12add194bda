using System.Collections.Immutable;
using Ingest.Messages;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// The ways to try rows of a batch within its transaction, and what came of it. A savepoint stands behind all that was
/// written, so a trial that fails takes nothing else along.
/// </summary>
internal sealed class RowTrials(
    LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
{
    private readonly Dictionary<(GatewayId Gateway, long Position), RejectedRow> rejections = [];
    private readonly Dictionary<RefusalKind, ImmutableArray<ConstraintCheck>> checks = [];

    private StagedRows? staged;
    private bool isTableSound;
    // An INSERT would follow the table's rules, which COPY passes by.
    private bool isStagingRefused = fitted.Table!.HasInsertRule;

    /// <summary>The rows without regard to what came between them of other shapes: to be looked up and tried by one
    /// statement for each shape.</summary>
    public BatchRows Rows { get; } =
        fitted.Rows.IsInOrder ? new BatchRows(fitted.Rows.Without(ImmutableHashSet<int>.Empty)) : fitted.Rows;

    /// <summary>The rows in the order in which they are to be written; their indexes may be others.</summary>
    public BatchRows InOrder => fitted.Rows;

    /// <summary>The rows of <see cref="Rows"/> that were rejected so far, each with what it was refused for.</summary>
    public Dictionary<(GatewayId Gateway, long Position), RefusalKind> Refused { get; } = [];

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <exception cref="CopyFailedException">The table is at fault.</exception>
    public async Task BeginAsync(CopyFailedException? first)
    {
        await transaction.BeginIsolationAsync(cancellation);
        if (first is not null) await ProbeAsync(SqlErrors.KindOf(first.Error));
    }

    /// <summary>All rejected rows, at the end.</summary>
    public ImmutableArray<RejectedRow> Drain() => [.. fitted.Rejections, .. rejections.Values];

    /// <summary>Rejects the row at an index, for what PostgreSQL said when it was tried alone.</summary>
    public void Reject(BatchRows rows, int index, RowError error)
    {
        var said = error.In(fitted.Table!);
        var place = rows.PlaceOf(index);
        Refused[place] = RefusalKind.Of(said);
        rejections[place] = rows.Reject(index, SqlErrors.ToRejection(said));
    }

    /// <summary>Takes back the rejections of one SQLSTATE.</summary>
    /// <returns>The rows to be tried again, by index, in ascending order.</returns>
    public int[] TakeBack(string sqlState)
    {
        int[] again =
        [
            .. Enumerable.Range(0, Rows.Count)
                .Where(index => Refused.TryGetValue(Rows.PlaceOf(index), out var kind) && kind.SqlState == sqlState),
        ];
        foreach (var place in again.Select(Rows.PlaceOf))
        {
            Refused.Remove(place);
            rejections.Remove(place);
        }

        return again;
    }

    /// <summary>Makes ready for the server to try rows; once is enough.</summary>
    /// <returns>False where it cannot.</returns>
    public async ValueTask<bool> TryStageAsync()
    {
        if (staged is null && !isStagingRefused)
            staged = await TryAsync(
                () => StagedRows.CreateAsync(transaction, fitted.Table!, Rows, cancellation));
        isStagingRefused = staged is null;
        return staged is not null;
    }

    /// <summary>Words the checks for a kind of refusal; none where there can be none.</summary>
    public async Task<ImmutableArray<ConstraintCheck>> FindChecksAsync(RefusalKind kind)
    {
        if (checks.TryGetValue(kind, out var known)) return known;
        var found = await TryAsync(() => ConstraintCheck.FindAsync(transaction.Connection, kind, cancellation));
        return checks[kind] = found.IsDefault ? [] : found;
    }

    /// <summary>Whether no <see cref="ConstraintCheck"/> foresees a kind of refusal.</summary>
    public bool IsUnforeseeable(RefusalKind kind) =>
        !ConstraintCheck.IsFor(kind) || (checks.TryGetValue(kind, out var known) && known.IsEmpty);

    /// <summary>The rows that are likely to be refused, by index; null where that cannot be found out.</summary>
    public async Task<HashSet<int>?> FindAsync(Suspicion suspicion)
    {
        if (suspicion is not ConstraintCheck check) return (suspicion as ValueRanges)?.Find(Rows);
        var found = await TryAsync(
            () => SuspectSearch.RunAsync(transaction.Connection, fitted.Table!, Rows, check, cancellation));
        // One that the role may not ask is as good as none.
        if (found is null && checks.TryGetValue(check.Kind, out var known))
            checks[check.Kind] = known.RemoveAll(one => one.Identity.Equals(check.Identity));
        return found;
    }

    /// <summary>Copies rows in one go.</summary>
    /// <returns>Why they are not written, which is the fault of some of them; null where they are.</returns>
    /// <exception cref="CopyFailedException">The table or the server is at fault.</exception>
    public async Task<CopyFailedException?> TryCopyAsync(BatchRows rows, RowRange range)
    {
        if (range.Count == 0) return null;
        try
        {
            meter.CountAttempt(range.Count);
            await meter.TimeAsync(transaction.CopyAsync(fitted.Table!, rows, range, cancellation));
            await transaction.KeepAsync(cancellation);
            return null;
        }
        catch (CopyFailedException failure) when (SqlErrors.KindOf(failure.Error) != ErrorKind.Transient)
        {
            await transaction.UndoAsync(cancellation);
            await ProbeAsync(SqlErrors.KindOf(failure.Error));
            return failure;
        }
    }

    /// <summary>Copies the ranges of a plan, and rejects the rows that it finds.</summary>
    /// <param name="isEnough">Ranges are to be tried no longer, after a failure.</param>
    /// <returns>The first row that was not tried.</returns>
    public async Task<int> CopyRangesAsync(
        BatchRows rows, IsolationPlan plan, Func<CopyFailedException, ValueTask<bool>>? isEnough = null)
    {
        while (plan.TryNext(out var range))
        {
            var failure = await TryCopyAsync(rows, range);
            if (failure is null)
            {
                plan.Succeeded();
                continue;
            }

            var isFound = plan.Failed(range, failure.Named);
            if (isFound) Reject(rows, range.First, RowError.Of(failure.Error));
            if (isEnough is not null && await isEnough(failure)) return isFound ? range.End : range.First;
        }

        return rows.Count;
    }

    /// <summary>Has the server insert rows, and rejects those that it refuses one by one.</summary>
    /// <returns>False where that could not be done.</returns>
    public async Task<bool> TryInsertAsync(int[] indexes)
    {
        if (!await TryStageAsync()) return false;
        meter.CountSuspects(indexes.Length);
        var refused = await TryAsync(() => staged!.InsertAsync(indexes, cancellation));
        staged = null;
        foreach (var (index, error) in refused ?? []) Reject(Rows, index, error);
        return refused is not null;
    }

    /// <summary>Has the server insert rows, to see which it refuses, and takes them back.</summary>
    /// <returns>The rows that it refuses one by one; null where that could not be done.</returns>
    public async Task<List<(int Index, RowError Error)>?> TryFindRefusedAsync(int[] indexes)
    {
        if (indexes.Length == 0) return [];
        if (!await TryStageAsync()) return null;
        meter.CountSuspects(indexes.Length);
        List<(int Index, RowError Error)>? refused = null;
        try
        {
            refused = await staged!.InsertAsync(indexes, cancellation);
        }
        catch (PostgresException error) when (SqlErrors.KindOf(error) != ErrorKind.Transient)
        {
            // There is another way.
        }

        await transaction.UndoAsync(cancellation);
        staged = null;
        return refused;
    }

    /// <summary>A row's trigger, or its types' input, may say what is said of tables otherwise: what is refused without
    /// any row is the table's fault, and all else is some row's.</summary>
    private async Task ProbeAsync(ErrorKind kind)
    {
        if (kind != ErrorKind.Table || isTableSound) return;
        await transaction.ProbeAsync(fitted.Table!, Rows, cancellation);
        isTableSound = true;
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
}
