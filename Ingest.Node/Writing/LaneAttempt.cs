using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.DeadLetters;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Writes the rows of a batch within a transaction.</summary>
/// <returns>Those that were rejected.</returns>
internal delegate Task<ImmutableArray<RejectedRow>> RowWriter(
    LaneTransaction transaction, FittedBatch fitted, CancellationToken cancellation);

/// <summary>One attempt at a batch, in one transaction: fence, keys, rows, record, commit; and what its end
/// means.</summary>
/// <param name="keepsLetters">Whether a table's refused rows become dead letters.</param>
/// <param name="lettersKept">Is told how many dead letters of a table were kept.</param>
internal sealed class LaneAttempt(
    NpgsqlDataSource dataSource, TimeSpan timeout, Func<string, bool> keepsLetters, Action<string, long> lettersKept)
{
    /// <summary>One transaction: fence, rows, record, commit.</summary>
    public async Task<AttemptOutcome> RunAsync(
        Batch batch,
        FittedBatch fitted,
        RowWriter write,
        CancellationToken cancellation)
    {
        await using var transaction = await LaneTransaction.BeginAsync(
            dataSource, batch, timeout, cancellation);
        if (!transaction.HasMoved) return AttemptOutcome.Of(await ReadFencedAsync(batch, transaction, cancellation));
        try
        {
            var claims = await transaction.ClaimKeysAsync(batch, fitted, timeout, cancellation);
            var fresh = claims?.Fresh ?? fitted;
            var rejections = fresh.Rows.Count == 0 ? fresh.Rejections : await write(transaction, fresh, cancellation);
            IEnumerable<NpgsqlBatchCommand> records = [];
            var exceptions = claims?.Judge(rejections, transaction.Repeats, out records)
                ?? new Exceptions(rejections, transaction.Repeats);
            var checkedTable = fresh.Rows.Count > 0 ? fresh.Table : null;
            var kept = LetterRecord.KeptOf(
                batch, keepsLetters(batch.Lane.Table), rejections, exceptions.Rejections);
            var letters = LetterRecord.Of(batch, fitted.Table, kept).ToList();
            records = records.Concat(letters);
            await transaction.CommitAsync(batch, checkedTable, exceptions, records, cancellation);
            if (letters.Count > 0)
                lettersKept(batch.Lane.Table, letters.Sum(command => (long)command.RecordsAffected));
            return AttemptOutcome.Of(
                new Written(batch.Id, exceptions.Rejections) { Repeats = exceptions.Repeats });
        }
        catch (CopyFailedException failure)
        {
            return new AttemptOutcome(null, failure.Error, SqlErrors.KindOf(failure.Error)) { Named = failure.Named };
        }
        catch (NpgsqlException error) when (transaction.IsInDoubt)
        {
            return AttemptOutcome.Of(new Failed(batch.Id, WriteFailure.InDoubt, SqlErrors.ReasonOf(error)));
        }
        catch (InvalidOperationException error) when (transaction.IsBroken && !transaction.IsInDoubt)
        {
            return AttemptOutcome.Of(new Failed(batch.Id, WriteFailure.Transient, SqlErrors.ReasonOf(error)));
        }
        catch (PostgresException error)
        {
            // Only the commit's own check of the table divides by zero on purpose; rows may do so by accident.
            var kind = error.SqlState == SqlErrors.TableChanged ? ErrorKind.Table : SqlErrors.KindOf(error);
            return new AttemptOutcome(null, error, kind);
        }
        catch (Exception error) when (error is not (NpgsqlException or OperationCanceledException))
        {
            // Nobody knows what state the connection is in after a failure that is not the database's.
            dataSource.Clear();
            throw;
        }
    }

    /// <summary>
    /// The ledger is not where the batch believes it. Where it is at the batch's end, with the same positions given up
    /// on, the batch is there: an attempt whose answer was lost has written it. Anything else was another incarnation.
    /// </summary>
    public static async Task<WriteResult> ReadFencedAsync(
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
}
