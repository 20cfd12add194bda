using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing.Isolation;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Keeps lanes in PostgreSQL: the rows in their tables, the positions in the ledger.</summary>
internal sealed class LaneStore(
    NpgsqlDataSource dataSource, ITableCatalog catalog, WritingOptions options, TimeProvider time) : ILaneStore
{
    // A table that changes more often than this while one batch is written is left to the next attempt.
    private const int MaxRefreshes = 3;

    private readonly SentTrips sent = new();

    /// <summary>Batches of more rows go by COPY.</summary>
    public int MostRowsAtOnce { get; init; } = SingleTrip.MostRows;

    /// <summary>Whether a table's refused rows become dead letters.</summary>
    public Func<string, bool> KeepsLetters { get; init; } = static _ => false;

    /// <summary>Is told how many dead letters of a table were kept.</summary>
    public Action<string, long> LettersKept { get; init; } = static (_, _) => { };

    public async Task<object> ReadLedgerAsync(LaneId lane, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellation);
            // The mark first: it may be behind the ledger, and must not be before it.
            var mark = await JournalMarks.ReadAsync(connection, lane, cancellation);
            return new LedgerRead(await Ledger.ReadAsync(connection, lane, cancellation)) { Journal = mark };
        }
        catch (NpgsqlException error)
        {
            return new Failed(0, WriteFailure.Transient, SqlErrors.ReasonOf(error));
        }
    }

    public async Task<object> MarkJournalAsync(MarkJournal mark, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellation);
            await JournalMarks.SetAsync(connection, mark, cancellation);
            return new JournalMarked(mark.Settled);
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
        var meter = new WriteMeter(time);
        var result = await WriteAsync(batch, meter, cancellation);
        return result with { Stats = meter.Stats };
    }

    private async Task<WriteResult> WriteAsync(Batch batch, WriteMeter meter, CancellationToken cancellation)
    {
        using var attempt = NewAttempt(batch, cancellation);
        try
        {
            for (var refreshes = 0; ; refreshes++)
            {
                var table = await catalog.FindAsync(batch.Lane.Table, attempt.Token);
                // What PostgreSQL has refused once as a whole is not trusted again.
                var fitted = await FittedBatch.ForAsync(batch, table, encodeAnew: refreshes > 0, attempt.Token);
                var outcome = IsSuspicious(fitted)
                    ? await OnceAsync(batch, fitted, Isolate(meter, first: null), attempt.Token)
                    : await TryAtOnceAsync(batch, fitted, refreshes, meter, attempt.Token)
                        ?? await OnceAsync(batch, fitted, WriteWhole(meter), attempt.Token);
                // The catalog is asked first; what it cannot explain may be a row's fault.
                if (outcome.Kind == ErrorKind.Row || (outcome.Kind == ErrorKind.Table && refreshes > 0))
                    outcome = await OnceAsync(batch, fitted, Isolate(meter, FirstOf(batch, outcome)), attempt.Token);
                if (outcome.Result is { } result) return result;
                if (outcome.Kind != ErrorKind.Table)
                    return new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(outcome.Error!));

                await catalog.RefreshAsync(attempt.Token);
                var isSame = catalog.TryGet(batch.Lane.Table, out var now) && ReferenceEquals(now, table);
                if (isSame && refreshes > 0) return await RejectAsync(batch, fitted, outcome.Error!, attempt.Token);
                if (refreshes == MaxRefreshes)
                    return new Failed(batch.Id, WriteFailure.Transient, "the table keeps changing");
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
            if (!await sent.TryEndAsync(batch, dataSource, options.LockTimeout, time, cancellation))
                return new Failed(batch.Id, WriteFailure.InDoubt, "the connection that may yet write it lives on");
            await using var transaction = await LaneTransaction.BeginAsync(
                dataSource, batch, options.AttemptTimeout, cancellation);
            // The move found the ledger as it was before the batch, under its locks: the batch was not committed.
            return transaction.HasMoved
                ? new Failed(batch.Id, WriteFailure.Transient, "the commit did not take place")
                : await LaneAttempt.ReadFencedAsync(batch, transaction, cancellation);
        }
        catch (NpgsqlException error)
        {
            return new Failed(batch.Id, WriteFailure.InDoubt, SqlErrors.ReasonOf(error));
        }
    }

    private Task<AttemptOutcome> OnceAsync(
        Batch batch, FittedBatch fitted, RowWriter write, CancellationToken cancellation) =>
        new LaneAttempt(dataSource, options.AttemptTimeout, KeepsLetters, LettersKept)
            .RunAsync(batch, fitted, write, cancellation);

    private async Task<AttemptOutcome?> TryAtOnceAsync(
        Batch batch, FittedBatch fitted, int refreshes, WriteMeter meter, CancellationToken cancellation) =>
        refreshes == 0 && fitted.Rows.Count <= MostRowsAtOnce
            ? await new SingleTrip(dataSource, sent).TryWriteAsync(batch, fitted, meter, cancellation)
            : null;

    /// <summary>Bad rows that keep coming are set apart before they can spoil a large batch; a small one is as soon
    /// written again.</summary>
    private static bool IsSuspicious(FittedBatch fitted) =>
        fitted.Rows.Count > RowIsolation.Few && Suspicions.Of(fitted.Table!).IsSomeStrong;

    /// <summary>What the first try of the whole batch teaches about the second; with idempotency keys that one may have
    /// other rows.</summary>
    private static CopyFailedException? FirstOf(Batch batch, AttemptOutcome outcome) =>
        batch.Parts.All(part => part.Envelope.Keys.IsEmpty)
            ? new CopyFailedException(outcome.Error!, outcome.Named)
            : null;

    private static RowWriter WriteWhole(WriteMeter meter) => async (transaction, fitted, cancellation) =>
    {
        meter.CountAttempt(fitted.Rows.Count);
        await meter.TimeAsync(transaction.CopyAsync(
            fitted.Table!, fitted.Rows, new RowRange(0, fitted.Rows.Count), cancellation));
        if (fitted.Rows.Count > RowIsolation.Few) Suspicions.Of(fitted.Table!).Note([], [], isEachToBeTried: false);
        return fitted.Rejections;
    };

    private static RowWriter Isolate(WriteMeter meter, CopyFailedException? first) =>
        (transaction, fitted, cancellation) => fitted.Table!.Conflict is null
            ? new RowIsolation(transaction, fitted, meter, cancellation).RunAsync(first)
            : new MergeIsolation(transaction, fitted, meter, cancellation).RunAsync(first);

    /// <summary>PostgreSQL refuses to write even no row into the table, and the catalog cannot explain it: that is the
    /// last word about all of them.</summary>
    private async Task<WriteResult> RejectAsync(
        Batch batch, FittedBatch fitted, PostgresException error, CancellationToken cancellation)
    {
        var outcome = await OnceAsync(
            batch,
            fitted.RejectRest(SqlErrors.ToRejection(error)),
            static (_, rejected, _) => Task.FromResult(rejected.Rejections),
            cancellation);
        return outcome.Result
            ?? new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(outcome.Error!));
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
