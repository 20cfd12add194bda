using System.Collections.Immutable;
using Ingest.Node.Catalog;
using Npgsql;
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

    // Rows that came before the ones that they refer to, and these before theirs.
    private const int MostGenerations = 8;

    private readonly RowTrials trials;
    private readonly Suspicions suspicions;
    private readonly Suspects suspects;
    private readonly TableDescriptor table;

    public RowIsolation(
        LaneTransaction transaction, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
    {
        trials = new RowTrials(transaction, fitted, meter, cancellation);
        table = fitted.Table!;
        suspicions = Suspicions.Of(table);
        suspects = new Suspects(trials, suspicions);
    }

    private BatchRows Rows => trials.Rows;

    /// <param name="first">Why the whole batch failed in a transaction before; null where it was not tried.</param>
    /// <returns>The rejected rows; all others are written.</returns>
    public async Task<ImmutableArray<RejectedRow>> RunAsync(CopyFailedException? first)
    {
        if (first is not null && Rows.Count == 1 && IsFinal(first))
        {
            // PostgreSQL has judged it already.
            trials.Reject(Rows, 0, RowError.Of(first.Error));
            return trials.Drain();
        }

        await trials.BeginAsync(first);
        var isEachTried = (Rows.Count is > 1 and <= Few || (first is null && suspicions.IsEachToBeTried))
            && await trials.TryStageAsync();
        if (isEachTried) suspects.Add(Enumerable.Range(0, Rows.Count));
        else await CopyRestAsync(await CopyUnsuspectedAsync(first));
        if (suspects.Indexes.Count > 0) await InsertAsync([.. suspects.Indexes.Order()]);
        if (table.RefersToItself) await InsertOrphansAsync();
        if (Rows.Count > Few) new Hindsight(trials, suspicions).Learn(suspects.Searches);
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
            failure = await trials.TryCopyAsync(rest.Rows, new RowRange(0, rest.Rows.Count));
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
        var untried = await trials.CopyRangesAsync(rest.Rows, plan, IsEnough);
        suspects.Add(rest.Indexes[untried..]);

        async ValueTask<bool> IsEnough(CopyFailedException last) =>
            (last.Named is null || plan.Failures > MostFailures) && await trials.TryStageAsync();
    }

    /// <summary>Whether there seem to be more bad rows than ranges are good for. Where PostgreSQL names no row, halving
    /// would cost as much as trying each one.</summary>
    private static bool IsOneOfMany(int? named, int rows) =>
        named is not { } row || rows / (row + 1) > MostFailures;

    private async Task InsertAsync(int[] indexes)
    {
        if (await trials.TryInsertAsync(indexes)) return;
        var rows = new BatchRows(Rows.Only(indexes));
        await trials.CopyRangesAsync(rows, new IsolationPlan(rows.Count));
    }

    /// <summary>A row may refer to one of its batch that was tried later.</summary>
    private async Task InsertOrphansAsync()
    {
        var before = int.MaxValue;
        for (var generation = 0; generation < MostGenerations; generation++)
        {
            var orphans = trials.TakeBack(PostgresErrorCodes.ForeignKeyViolation);
            if (orphans.Length > 0) await InsertAsync(orphans);
            if (orphans.Length is 0 || orphans.Length == before) return;
            before = orphans.Length;
        }
    }

    /// <summary>Whether the only row would be refused again, for a reason that is known in full. An INSERT does not say
    /// which column a value is bad for; a COPY does. What PostgreSQL stumbles over may be gone.</summary>
    private static bool IsFinal(CopyFailedException failure) =>
        SqlErrors.KindOf(failure.Error) == ErrorKind.Row
        && failure.Error.SqlState[..2] switch { "22" => failure.Named is not null, "XX" => false, _ => true };

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
