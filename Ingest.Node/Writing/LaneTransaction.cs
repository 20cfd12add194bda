using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// One attempt to write a batch: a transaction that moves the ledger first, which takes its locks and so waits for
/// whatever transaction of a former attempt is still alive, and that then holds the rows. Disposing it without a commit
/// rolls it back.
/// </summary>
internal sealed class LaneTransaction : IAsyncDisposable
{
    private readonly NpgsqlDataSource dataSource;
    private readonly int backend;
    private readonly List<RepeatedRow> repeats = [];
    private bool open = true;

    private LaneTransaction(NpgsqlDataSource dataSource, NpgsqlConnection connection)
    {
        this.dataSource = dataSource;
        Connection = connection;
        Temporary = new TemporaryTables(connection);
        backend = connection.ProcessID;
    }

    /// <summary>What the transaction is open on.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>The connection's temporary tables.</summary>
    public TemporaryTables Temporary { get; }

    /// <summary>The connection is gone, and with it the transaction. Npgsql tells it by InvalidOperationException to
    /// whoever begins something on it after that.</summary>
    public bool IsBroken => Connection.FullState != System.Data.ConnectionState.Open;

    /// <summary>
    /// True once COMMIT was sent and its outcome is not known: the transaction may or may not have been committed.
    /// </summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>True where the ledger was where the batch believed it, and has been moved.</summary>
    public bool HasMoved { get; private set; }

    /// <summary>
    /// True where some gateway of the batch was where the batch believed it. If not all were, the batch cannot have
    /// been committed, since that would have moved all of them; nor may the ledger be read here, which shows these
    /// moves.
    /// </summary>
    public bool HasMovedSome { get; private set; }

    /// <summary>Begins, and moves the ledger for a batch, in one round trip.</summary>
    /// <param name="attemptTimeout">A transaction that holds the ledger for longer than an attempt may take has lost
    /// its node, or its node has lost the lane: it is ended.</param>
    public static async Task<LaneTransaction> BeginAsync(
        NpgsqlDataSource dataSource, Batch batch, TimeSpan attemptTimeout, CancellationToken cancellation)
    {
        var transaction = new LaneTransaction(dataSource, await dataSource.OpenConnectionAsync(cancellation));
        try
        {
            await using var commands = new NpgsqlBatch(transaction.Connection);
            commands.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            var moves = Ledger.Move(batch.Lane, batch.Moves).ToList();
            foreach (var command in moves) commands.BatchCommands.Add(command);
            var move = commands.ExecuteNonQueryAsync(cancellation);
            await ZombieTransactions.EndUntilAsync(
                move, dataSource, transaction.backend, attemptTimeout, cancellation);
            var moved = moves.Sum(command => (long)command.RecordsAffected);
            transaction.HasMoved = moved == batch.Moves.Length;
            transaction.HasMovedSome = moved > 0;
            return transaction;
        }
        catch
        {
            await transaction.DisposeAsync();
            throw;
        }
    }

    /// <summary>The positions of the batch's gateways, in place of a move that found another one.</summary>
    public Task<ImmutableArray<LedgerPosition>> ReadPositionsAsync(LaneId lane, CancellationToken cancellation) =>
        Ledger.ReadAsync(Connection, lane, cancellation);

    /// <summary>The verdicts that were recorded for positions that an earlier attempt has moved over.</summary>
    public Task<VerdictsRead> ReadVerdictsAsync(LaneId lane, LedgerMove move, CancellationToken cancellation) =>
        Ledger.ReadVerdictsAsync(
            Connection, lane, new PositionRange(move.Gateway, move.From + 1, move.To), cancellation);

    /// <summary>Claims the idempotency keys of the batch's rows; null where they have none.</summary>
    public Task<KeyClaims?> ClaimKeysAsync(
        Batch batch, FittedBatch fitted, TimeSpan attemptTimeout, CancellationToken cancellation) =>
        KeyClaims.TakeAsync(
            Connection,
            batch,
            fitted,
            claim => ZombieTransactions.EndUntilAsync(
                claim, dataSource, backend, attemptTimeout, cancellation),
            cancellation);

    /// <summary>The rows that are answered with one that is in the table, in place of one of their own.</summary>
    public ImmutableArray<RepeatedRow> Repeats => [.. repeats];

    /// <summary>Writes a range of a batch's rows.</summary>
    /// <exception cref="CopyFailedException">PostgreSQL refused it; says which row, where PostgreSQL named
    /// one.</exception>
    public async Task CopyAsync(TableDescriptor table, BatchRows rows, RowRange range, CancellationToken cancellation)
    {
        var found = new List<RepeatedRow>();
        foreach (var (shape, first, tuples) in rows.Copies(range))
        {
            var merged = await CopyAsync(table, shape, tuples, first, cancellation);
            found.AddRange(merged.Select(row => rows.Repeat(first + row.Index, row.Id)));
        }

        // Those of a range that failed as a whole are not counted: it is tried again, in parts.
        repeats.AddRange(found);
    }

    /// <summary>Writes no row at all, by the statements that would write a batch's.</summary>
    /// <exception cref="CopyFailedException">PostgreSQL refuses them: the table is at fault, not a row.</exception>
    public async Task ProbeAsync(TableDescriptor table, BatchRows rows, CancellationToken cancellation)
    {
        foreach (var (shape, _, _) in rows.Shapes()) await CopyAsync(table, shape, [], first: 0, cancellation);
    }

    /// <summary>Marks the place to come back to when a range fails, and makes deferred constraints speak at the end of
    /// each COPY, where a row can still be told.</summary>
    public Task BeginIsolationAsync(CancellationToken cancellation) =>
        ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT tried", cancellation);

    /// <summary>Keeps what was written since the mark, and moves the mark behind it.</summary>
    public Task KeepAsync(CancellationToken cancellation) =>
        ExecuteAsync("RELEASE SAVEPOINT tried; SAVEPOINT tried", cancellation);

    /// <summary>Goes back to the mark.</summary>
    public Task UndoAsync(CancellationToken cancellation) => ExecuteAsync("ROLLBACK TO SAVEPOINT tried", cancellation);

    /// <summary>
    /// Checks that the table's columns still are what the rows were encoded for, records what was not written, and
    /// commits, in one round trip. COPY holds a lock on the table, so the check speaks for what COPY has read.
    /// </summary>
    /// <param name="table">null where there was nothing to copy.</param>
    /// <param name="exceptions">The rows that are not in the table.</param>
    /// <param name="records">What else is to be kept with the rows: rejections with their idempotency keys, dead
    /// letters.</param>
    /// <exception cref="PostgresException">With <see cref="SqlErrors.TableChanged"/> where the columns are others;
    /// then, and after any other error that the server reports, nothing was committed unless
    /// <see cref="IsInDoubt"/>.</exception>
    public async Task CommitAsync(
        Batch batch,
        TableDescriptor? table,
        Exceptions exceptions,
        IEnumerable<NpgsqlBatchCommand> records,
        CancellationToken cancellation)
    {
        await using var commands = new NpgsqlBatch(Connection);
        if (table is not null) commands.BatchCommands.Add(TableCheck(table));
        if (Ledger.Record(batch, exceptions) is { } record) commands.BatchCommands.Add(record);
        foreach (var command in records) commands.BatchCommands.Add(command);
        commands.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        cancellation.ThrowIfCancellationRequested();
        try
        {
            IsInDoubt = true;
            // A commit that was sent is not taken back: whoever waits for it needs its outcome.
            await commands.ExecuteNonQueryAsync(CancellationToken.None);
            IsInDoubt = open = false;
        }
        catch (PostgresException error) when (error.InvariantSeverity == "ERROR")
        {
            // Only a plain error says that the transaction was aborted. A FATAL one may follow a commit that was done.
            IsInDoubt = false;
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // A connection that goes back to its pool within a transaction is rolled back there; a broken one is
            // dropped.
            if (open && !IsInDoubt && !IsBroken)
                await ExecuteAsync("ROLLBACK", CancellationToken.None);
            if (!IsInDoubt && !IsBroken) await Temporary.TrimAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The connection broke: the server ends the transaction by itself.
        }
        finally
        {
            await Connection.DisposeAsync();
        }
    }

    /// <summary>Fails, by a division by zero, where the table's columns are not what the rows were encoded for. Whoever
    /// runs it holds a lock on the table.</summary>
    public static NpgsqlBatchCommand TableCheck(TableDescriptor table) =>
        new($"SELECT 1 / (CASE WHEN ({CatalogSql.Fingerprint}) = $2 THEN 1 ELSE 0 END)")
        {
            Parameters =
            {
                new() { Value = table.Oid, NpgsqlDbType = NpgsqlDbType.Oid },
                new() { Value = table.Fingerprint, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };

    /// <returns>The rows that are answered with another one, by their index in the tuples, and its id.</returns>
    private async Task<List<(int Index, string Id)>> CopyAsync(
        TableDescriptor table,
        Shape shape,
        List<ReadOnlyMemory<byte>> tuples,
        int first,
        CancellationToken cancellation)
    {
        try
        {
            var sql = ShapeSql.For(table, shape);
            if (sql.Merge is not null)
                return await TupleMerge.WriteAsync(Connection, Temporary, table, sql, tuples, cancellation);
            await TupleCopy.WriteAsync(Connection, Temporary, sql, tuples, cancellation);
            return [];
        }
        catch (PostgresException error)
        {
            throw new CopyFailedException(error, CopyPlace.Of(error) is { Line: var line } ? first + line - 1 : null);
        }
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, Connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
