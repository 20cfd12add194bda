using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Keeps lanes in PostgreSQL: the rows in their tables, the positions in the ledger.</summary>
internal sealed class LaneStore(NpgsqlDataSource dataSource, ITableCatalog catalog, WritingOptions options, TimeProvider time)
    : ILaneStore
{
    // A table that changes more often than this while one batch is written is left to the next attempt.
    private const int MaxRefreshes = 3;

    public async Task<object> ReadLedgerAsync(LaneId lane, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellation);
            return new LedgerRead(await Ledger.ReadAsync(connection, lane, cancellation));
        }
        catch (NpgsqlException error)
        {
            return new Failed(0, WriteFailure.Transient, SqlErrors.ReasonOf(error));
        }
    }

    public async Task<object> ReadVerdictsAsync(LaneId lane, PositionRange range, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellation);
            return await Ledger.ReadVerdictsAsync(connection, lane, range, cancellation);
        }
        catch (NpgsqlException error)
        {
            return new Failed(0, WriteFailure.Transient, SqlErrors.ReasonOf(error));
        }
    }

    public async Task<WriteResult> WriteAsync(Batch batch, CancellationToken cancellation)
    {
        using var attempt = NewAttempt(batch, cancellation);
        try
        {
            for (var refreshes = 0; ; refreshes++)
            {
                var table = await catalog.FindAsync(batch.Lane.Table, attempt.Token);
                // What PostgreSQL has refused once as a whole is not trusted again.
                var fitted = await FittedBatch.ForAsync(batch, table, encodeAnew: refreshes > 0, attempt.Token);
                var (result, error) = await TryWriteAsync(batch, fitted, attempt.Token);
                if (result is not null) return result;
                if (SqlErrors.KindOf(error!) != ErrorKind.Table && error!.SqlState != SqlErrors.TableChanged)
                    return new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(error));

                await catalog.RefreshAsync(attempt.Token);
                var isSame = catalog.TryGet(batch.Lane.Table, out var now) && ReferenceEquals(now, table);
                // What the catalog cannot explain is PostgreSQL's last word about these rows.
                if (isSame && refreshes > 0 && SqlErrors.KindOf(error!) == ErrorKind.Table)
                    return await RejectAllAsync(batch, fitted, SqlErrors.ToRejection(error!), attempt.Token);
                if (refreshes == MaxRefreshes) return new Failed(batch.Id, WriteFailure.Transient, "the table keeps changing");
            }
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            return new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(error));
        }
    }

    public async Task<WriteResult> ResolveAsync(Batch batch, CancellationToken cancellation)
    {
        try
        {
            await using var transaction = await LaneTransaction.BeginAsync(
                dataSource, batch, options.AttemptTimeout, cancellation);
            // The move found the ledger as it was before the batch, under its locks: the batch was not committed.
            return transaction.HasMoved
                ? new Failed(batch.Id, WriteFailure.Transient, "the commit did not take place")
                : await ReadFencedAsync(batch, transaction, cancellation);
        }
        catch (NpgsqlException error)
        {
            return new Failed(batch.Id, WriteFailure.InDoubt, SqlErrors.ReasonOf(error));
        }
    }

    /// <summary>Writes the batch as a whole and, where a row is at fault, once more with each bad row left out.</summary>
    /// <returns>The result; or the error, where the table or something that passes is at fault.</returns>
    private async Task<(WriteResult? Result, PostgresException? Error)> TryWriteAsync(
        Batch batch, FittedBatch fitted, CancellationToken cancellation)
    {
        var (result, error) = await AttemptAsync(batch, fitted, WriteWholeAsync, cancellation);
        return error is not null && SqlErrors.KindOf(error) == ErrorKind.Row && error.SqlState != SqlErrors.TableChanged
            ? await AttemptAsync(batch, fitted, WriteIsolatedAsync, cancellation)
            : (result, error);
    }

    private static async Task<ImmutableArray<RejectedRow>> WriteWholeAsync(
        LaneTransaction transaction, FittedBatch fitted, CancellationToken cancellation)
    {
        await transaction.CopyAsync(fitted.Table!, fitted.Rows, new RowRange(0, fitted.Rows.Count), cancellation);
        return fitted.Rejections;
    }

    private static async Task<ImmutableArray<RejectedRow>> WriteIsolatedAsync(
        LaneTransaction transaction, FittedBatch fitted, CancellationToken cancellation)
    {
        var rejections = fitted.Rejections.ToBuilder();
        var plan = new IsolationPlan(fitted.Rows.Count);
        await transaction.BeginIsolationAsync(cancellation);
        while (plan.TryNext(out var range))
        {
            try
            {
                await transaction.CopyAsync(fitted.Table!, fitted.Rows, range, cancellation);
                await transaction.KeepAsync(cancellation);
                plan.Succeeded();
            }
            catch (CopyFailedException failure) when (SqlErrors.KindOf(failure.Error) == ErrorKind.Row)
            {
                await transaction.UndoAsync(cancellation);
                if (plan.Failed(range, failure.Named))
                    rejections.Add(fitted.Rows.Reject(range.First, SqlErrors.ToRejection(failure.Error)));
            }
        }

        return rejections.DrainToImmutable();
    }

    private async Task<WriteResult> RejectAllAsync(
        Batch batch, FittedBatch fitted, Rejection rejection, CancellationToken cancellation)
    {
        var all = fitted.RejectRest(rejection);
        var (result, error) = await AttemptAsync(
            batch, all, static (_, rejected, _) => Task.FromResult(rejected.Rejections), cancellation);
        return result ?? new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(error!));
    }

    /// <summary>One transaction: fence, rows, record, commit.</summary>
    private async Task<(WriteResult? Result, PostgresException? Error)> AttemptAsync(
        Batch batch,
        FittedBatch fitted,
        Func<LaneTransaction, FittedBatch, CancellationToken, Task<ImmutableArray<RejectedRow>>> write,
        CancellationToken cancellation)
    {
        await using var transaction = await LaneTransaction.BeginAsync(
            dataSource, batch, options.AttemptTimeout, cancellation);
        if (!transaction.HasMoved) return (await ReadFencedAsync(batch, transaction, cancellation), null);
        try
        {
            var claims = await transaction.ClaimKeysAsync(batch, fitted, cancellation);
            var fresh = claims?.Fresh ?? fitted;
            var rejections = fresh.Rows.Count == 0 ? fresh.Rejections : await write(transaction, fresh, cancellation);
            var exceptions = claims?.Judge(rejections) ?? new Exceptions(rejections, []);
            var checkedTable = fresh.Rows.Count > 0 ? fresh.Table : null;
            await transaction.CommitAsync(batch, checkedTable, exceptions, claims?.Record(rejections), cancellation);
            return (new Written(batch.Id, exceptions.Rejections) { Repeats = exceptions.Repeats }, null);
        }
        catch (CopyFailedException failure)
        {
            return (null, failure.Error);
        }
        catch (NpgsqlException error) when (transaction.IsInDoubt)
        {
            return (new Failed(batch.Id, WriteFailure.InDoubt, SqlErrors.ReasonOf(error)), null);
        }
        catch (PostgresException error)
        {
            return (null, error);
        }
    }

    /// <summary>
    /// The ledger is not where the batch believes it. Where it is at the batch's end, with the same positions given up on,
    /// the batch is there: an attempt whose answer was lost has written it. Anything else was another incarnation.
    /// </summary>
    private static async Task<WriteResult> ReadFencedAsync(
        Batch batch, LaneTransaction transaction, CancellationToken cancellation)
    {
        var fenced = new Failed(batch.Id, WriteFailure.Fenced, "the ledger was moved by another incarnation");
        if (transaction.HasMovedSome) return fenced;
        var positions = (await transaction.ReadPositionsAsync(batch.Lane, cancellation))
            .ToDictionary(position => position.Gateway, position => position.Position);
        if (!batch.Moves.All(move => positions.GetValueOrDefault(move.Gateway) == move.To)) return fenced;

        var verdicts = new List<VerdictsRead>();
        foreach (var move in batch.Moves)
            verdicts.Add(await transaction.ReadVerdictsAsync(batch.Lane, move, cancellation));
        if (!RecordedBatch.Matches(batch, verdicts)) return fenced;
        return new Written(batch.Id, [.. verdicts.SelectMany(read => read.Rejections)])
        {
            Repeats = [.. verdicts.SelectMany(read => read.Repeats)],
        };
    }

    private CancellationTokenSource NewAttempt(Batch batch, CancellationToken cancellation)
    {
        var left = batch.Deadline - time.GetUtcNow();
        var timeout = left < options.AttemptTimeout ? left : options.AttemptTimeout;
        var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // A batch of nothing but skipped positions has no deadline; one whose deadline is past was still taken in time.
        attempt.CancelAfter(timeout > TimeSpan.Zero ? timeout : TimeSpan.FromMilliseconds(1));
        return attempt;
    }
}
