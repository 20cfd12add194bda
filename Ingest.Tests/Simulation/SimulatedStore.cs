using System.Runtime.CompilerServices;
using Ingest.Messages;
using Ingest.Node.Writing;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Simulation;

/// <summary>
/// What one process sees of the database. It follows <see cref="LaneStore"/> and <see cref="LaneTransaction"/> round
/// trip by round trip, and each waits for the driver; a change there belongs here too.
/// </summary>
/// <param name="name">The process, for the story.</param>
internal sealed class SimulatedStore(
    string name,
    SimulatedDatabase database,
    Connections connections,
    Oracle oracle,
    EventLog log,
    Coverage coverage,
    Sabotage sabotage) : ILaneStore
{
    public const string Connect = "connect";
    public const string Commit = "commit";
    public const string AtOnce = "write at once";

    private const int MostRowsAtOnce = 5;

    private readonly ConditionalWeakTable<Batch, Transaction> sent = [];

    public string Name => name;

    public Task<object> ReadLedgerAsync(LaneId lane, CancellationToken cancellation) => Watch<object>(async () =>
    {
        try
        {
            await StepAsync(Connect, cancellation);
            await StepAsync("read the ledger", cancellation);
            return sabotage.HasFlag(Sabotage.NoLedgerRead) ? new LedgerRead([]) : database.ReadLedger(lane);
        }
        catch (Exception error) when (error is ConnectionLostException or StatementRefusedException)
        {
            return new Failed(0, WriteFailure.Transient, error.Message);
        }
    });

    public Task<object> ReadVerdictsAsync(LaneId lane, PositionRange range, CancellationToken cancellation) =>
        Watch<object>(async () =>
        {
            try
            {
                await StepAsync(Connect, cancellation);
                await StepAsync("read verdicts", cancellation);
                return database.ReadVerdicts(lane, range);
            }
            catch (Exception error) when (error is ConnectionLostException or StatementRefusedException)
            {
                return new Failed(0, WriteFailure.Transient, error.Message);
            }
        });

    public Task<object> MarkJournalAsync(MarkJournal mark, CancellationToken cancellation) => Watch<object>(async () =>
    {
        try
        {
            await StepAsync(Connect, cancellation);
            await StepAsync("mark the journal", cancellation);
            database.MarkJournal(mark);
            return new JournalMarked(mark.Settled);
        }
        catch (Exception error) when (error is ConnectionLostException or StatementRefusedException)
        {
            return new Failed(0, WriteFailure.Transient, error.Message);
        }
    });

    public Task<WriteResult> WriteAsync(Batch batch, CancellationToken cancellation) => Watch(async () =>
    {
        log.Add($"       {name} writes batch {batch.Id}: {log.Describe(batch)}");
        using var attempt = connections.NewAttempt(batch.Deadline, cancellation);
        try
        {
            var direct = batch.Count is > 0 and <= MostRowsAtOnce
                ? await TryAtOnceAsync(batch, attempt.Token) : null;
            return direct ?? await AttemptAsync(batch, attempt.Token);
        }
        catch (Exception error)
            when (error is ConnectionLostException or StatementRefusedException or OperationCanceledException)
        {
            return new Failed(batch.Id, WriteFailure.Transient, error.Message);
        }
    });

    public Task<WriteResult> ResolveAsync(Batch batch, CancellationToken cancellation) => Watch(async () =>
    {
        log.Add($"       {name} resolves batch {batch.Id}: {log.Describe(batch)}");
        Transaction? transaction = null;
        try
        {
            await StepAsync(Connect, cancellation);
            if (!sabotage.HasFlag(Sabotage.NoEndOfTrip)) await EndTripAsync(batch, cancellation);
            transaction = database.Begin(this);
            return await MoveAsync(transaction, batch, cancellation)
                ? new Failed(batch.Id, WriteFailure.Transient, "the commit did not take place")
                : await ReadFencedAsync(batch, cancellation);
        }
        catch (Exception error) when (error is ConnectionLostException or StatementRefusedException)
        {
            return new Failed(batch.Id, WriteFailure.InDoubt, error.Message);
        }
        finally
        {
            if (transaction is not null) connections.Leave(transaction);
        }
    });

    /// <returns>null where it is known that nothing was written.</returns>
    private async Task<WriteResult?> TryAtOnceAsync(Batch batch, CancellationToken cancellation)
    {
        await StepAsync(Connect, cancellation);
        var transaction = database.Begin(this, batch);
        sent.AddOrUpdate(batch, transaction);
        try
        {
            var end = await connections.Wait(
                AtOnce, this, cancellation, () => database.CanCarryOut(transaction, batch));
            var isWritten = end is StepEnd.Done or StepEnd.AnswerLost && database.Commit(transaction);
            // Of a cancelled one, half are told by the server that they are.
            var isKnown = end is StepEnd.Done or StepEnd.Refused
                || (end == StepEnd.Cancelled && transaction.Number % 2 == 0);
            if (end == StepEnd.Unforeseen) throw new UnforeseenException();
            if (!isKnown)
            {
                var failure = sabotage.HasFlag(Sabotage.DoubtTakenForFailure)
                    ? WriteFailure.Transient : WriteFailure.InDoubt;
                return new Failed(batch.Id, failure, "the answer was lost");
            }

            sent.Remove(batch);
            transaction.IsCommitting = false;
            if (end != StepEnd.Done) Throw(end);
            coverage.Count(isWritten ? "written at once" : "not written at once");
            return isWritten ? new Written(batch.Id, []) : null;
        }
        finally
        {
            connections.Leave(transaction);
        }
    }

    /// <summary>With its process, what was sent ends one way or the other.</summary>
    private async Task EndTripAsync(Batch batch, CancellationToken cancellation)
    {
        if (!sent.TryGetValue(batch, out var trip)) return;
        await StepAsync("end the trip", cancellation);
        if (trip.Number % 3 == 0) database.Commit(trip);
        else database.RollBack(trip);
    }

    private async Task<WriteResult> AttemptAsync(Batch batch, CancellationToken cancellation)
    {
        await StepAsync(Connect, cancellation);
        var transaction = database.Begin(this);
        try
        {
            if (!await MoveAsync(transaction, batch, cancellation)) return await ReadFencedAsync(batch, cancellation);
            if (batch.Count > 0) await StepAsync("copy", cancellation);
            var rejections = database.Copy(transaction, batch);
            if (!rejections.IsEmpty) await StepAsync("isolate", cancellation);
            cancellation.ThrowIfCancellationRequested();
            transaction.IsCommitting = true;
            await CommitAsync(transaction);
            return new Written(batch.Id, rejections);
        }
        catch (ConnectionLostException error) when (transaction.IsCommitting)
        {
            var failure = sabotage.HasFlag(Sabotage.DoubtTakenForFailure)
                ? WriteFailure.Transient : WriteFailure.InDoubt;
            return new Failed(batch.Id, failure, error.Message);
        }
        finally
        {
            connections.Leave(transaction);
        }
    }

    private async Task<bool> MoveAsync(Transaction transaction, Batch batch, CancellationToken cancellation)
    {
        var hasMoved = true;
        // Positions that are known move first, as in the real one; the gateways' own order is random.
        foreach (var move in batch.Moves.OrderBy(move => move.From == 0).ThenBy(move => log.NumberOf(move.Gateway)))
        {
            await StepAsync("move", cancellation, () => database.CanMove(transaction, batch.Lane, move));
            hasMoved &= database.Move(transaction, batch.Lane, move);
        }

        return hasMoved;
    }

    private async Task<WriteResult> ReadFencedAsync(Batch batch, CancellationToken cancellation)
    {
        await StepAsync("read positions", cancellation);
        if (!batch.Moves.All(move => database.PositionOf(batch.Lane, move.Gateway) == move.To))
            return new Failed(batch.Id, WriteFailure.Fenced, "the ledger was moved by another incarnation");

        var verdicts = new List<VerdictsRead>();
        foreach (var move in batch.Moves)
        {
            await StepAsync("read recorded verdicts", cancellation);
            var range = new PositionRange(move.Gateway, move.From + 1, move.To);
            verdicts.Add(database.ReadVerdicts(batch.Lane, range));
        }

        return sabotage.HasFlag(Sabotage.EndTakenForBatch) || RecordedBatch.Matches(batch, verdicts)
            ? new Written(batch.Id, [.. verdicts.SelectMany(read => read.Rejections)])
            : new Failed(batch.Id, WriteFailure.Fenced, "another incarnation has given up on other rows");
    }

    private async Task CommitAsync(Transaction transaction)
    {
        var end = await connections.Wait(Commit, this, CancellationToken.None);
        switch (end)
        {
            case StepEnd.Done:
                // A server that was stopped meanwhile has ended the transaction; this client's steps ended with it.
                database.Commit(transaction);
                break;
            case StepEnd.AnswerLost:
                database.Commit(transaction);
                throw new ConnectionLostException("the answer to COMMIT was lost");
            case StepEnd.Refused:
                transaction.IsCommitting = false;
                throw new StatementRefusedException();
            default:
                Throw(end);
                break;
        }
    }

    private async Task StepAsync(string step, CancellationToken cancellation, Func<bool>? isReady = null) =>
        Throw(await connections.Wait(step, this, cancellation, isReady));

    private static void Throw(StepEnd end)
    {
        switch (end)
        {
            case StepEnd.ConnectionLost: throw new ConnectionLostException("the connection broke");
            case StepEnd.Refused: throw new StatementRefusedException();
            case StepEnd.Unforeseen: throw new UnforeseenException();
            case StepEnd.Cancelled: throw new OperationCanceledException();
        }
    }

    /// <summary>Keeps faults of the simulator itself from passing for faults that it has made.</summary>
    private async Task<T> Watch<T>(Func<Task<T>> operation)
    {
        try
        {
            var result = await operation();
            coverage.Count(result is Failed failed ? $"heard {failed.Failure}" : $"heard {result!.GetType().Name}");
            log.Add($"       {name} hears {log.Describe(result)}");
            return result;
        }
        catch (Exception error) when (error is not (UnforeseenException or OperationCanceledException))
        {
            oracle.Fail($"the model failed: {error}");
            throw;
        }
    }
}
