using Ingest.Messages;
using Ingest.Node.Catalog;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// Writes a small batch in one round trip, commit included. All statements go out at once and unseen, each of them
/// fails where it does not do what it should, and the server makes one transaction of them (PostgreSQL's manual,
/// "Pipelining" in the chapter on the protocol): so an error anywhere undoes everything. What is not plain (another
/// incarnation, a taken key, a changed table) is left to <see cref="LaneTransaction"/>, which can look and decide.
/// </summary>
internal sealed class SingleTrip(NpgsqlDataSource dataSource, SentTrips sent)
{
    /// <summary>More rows are written faster by COPY.</summary>
    public const int MostRows = 512;

    /// <summary>Above this many bytes of encoded rows COPY, which streams them, is no slower.</summary>
    public const int MostBytes = 128 * 1024;

    /// <summary>Tries to write a batch.</summary>
    /// <returns>How it ended; null where nothing was written, and a <see cref="LaneTransaction"/> is to find out
    /// more.</returns>
    /// <exception cref="OperationCanceledException">Cancelled, and nothing was written.</exception>
    public async Task<AttemptOutcome?> TryWriteAsync(
        Batch batch, FittedBatch fitted, WriteMeter meter, CancellationToken cancellation)
    {
        if (!IsSmall(batch, fitted) || !KeyClaims.TryClaimAll(batch, fitted, out var claim)) return null;
        if (!TryInserts(fitted, out var inserts)) return null;
        meter.CountAttempt(fitted.Rows.Count);
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        // Cancellation bounds it; a time-out beside it would only be one more way to lose the answer.
        await using var commands = new NpgsqlBatch(connection) { Timeout = 0 };
        foreach (var move in Ledger.MoveOrFail(batch.Lane, batch.Moves)) commands.BatchCommands.Add(move);
        if (claim is not null) commands.BatchCommands.Add(claim);
        var first = commands.BatchCommands.Count;
        foreach (var (sql, rows) in inserts) commands.BatchCommands.Add(sql.Command(rows));
        var last = commands.BatchCommands.Count - 1;
        commands.BatchCommands.Add(LaneTransaction.TableCheck(fitted.Table!));
        if (Ledger.Record(batch, new Exceptions([], [])) is { } record) commands.BatchCommands.Add(record);
        cancellation.ThrowIfCancellationRequested();
        sent.Add(batch, connection.ProcessID);
        try
        {
            await commands.ExecuteNonQueryAsync(cancellation);
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            if (RefusalOf(error, commands) is not { } refusal)
                return AttemptOutcome.Of(new Failed(batch.Id, WriteFailure.InDoubt, SqlErrors.ReasonOf(error)));
            sent.Remove(batch);
            if (error is OperationCanceledException)
                throw new OperationCanceledException(error.Message, error, cancellation);
            var place = refusal.BatchCommand is { } command ? commands.BatchCommands.IndexOf(command) : -1;
            return place >= first && place <= last ? OutcomeOf(refusal, fitted.Table!) : null;
        }

        sent.Remove(batch);
        foreach (var (_, rows) in inserts) rows.Return();
        return AttemptOutcome.Of(new Written(batch.Id, []));
    }

    private static bool IsSmall(Batch batch, FittedBatch fitted) =>
        fitted.Table is not null && fitted.Rows.Count > 0 && fitted.Rejections.IsEmpty
        && batch.Parts.Sum(part => part.Bytes) <= MostBytes;

    private static bool TryInserts(FittedBatch fitted, out List<(UnnestInsert Sql, FieldArrays Rows)> inserts)
    {
        inserts = [];
        if (fitted.Rows.Shapes().Any(part => AtOnce(part.Shape) is null)) return false;
        foreach (var (shape, _, tuples) in fitted.Rows.Copies(new RowRange(0, fitted.Rows.Count)))
        {
            var sql = AtOnce(shape)!;
            inserts.Add((sql, FieldArrays.Of(tuples, sql.Types.AsSpan())));
        }

        return true;

        UnnestInsert? AtOnce(Shape shape) => ShapeSql.For(fitted.Table!, shape).AtOnce;
    }

    /// <summary>
    /// The error by which it is known that the server has not committed, and will not: a plain one, or one that has
    /// ended the connection before the last statement, since the commit comes behind that. Else null.
    /// </summary>
    private static PostgresException? RefusalOf(Exception error, NpgsqlBatch commands)
    {
        var said = error as PostgresException ?? error.InnerException as PostgresException;
        if (said is null || said.InvariantSeverity == "ERROR") return said;
        return said.BatchCommand is { } command && command != commands.BatchCommands[^1] ? said : null;
    }

    /// <summary>What an INSERT has failed by; null where <see cref="LaneTransaction"/> may do better: it merges rows
    /// that are there already, and an internal error, too, is said of types that are gone.</summary>
    private static AttemptOutcome? OutcomeOf(PostgresException refusal, TableDescriptor table)
    {
        var kind = SqlErrors.KindOf(refusal);
        var mayMerge = table.Conflict is not null && refusal.SqlState == PostgresErrorCodes.UniqueViolation;
        return mayMerge || kind == ErrorKind.Table || refusal.SqlState.StartsWith("XX", StringComparison.Ordinal)
            ? null
            : new AttemptOutcome(null, refusal, kind);
    }
}
