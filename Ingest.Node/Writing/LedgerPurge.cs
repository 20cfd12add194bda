using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Writing;

/// <summary>
/// Removes what nobody asks for any more: idempotency keys, exceptions, positions and the records of replayed dead
/// letters that are older than <see cref="WritingOptions.KeyRetention"/>, and dead letters that are older than
/// <see cref="WritingOptions.DeadLetterRetention"/>.
/// </summary>
/// <remarks>
/// Safe for positions, since a row is not written after its deadline, which is long past: a gateway that is gone sends
/// nothing any more, and one that is still there and has been silent for so long finds its position gone, which its
/// lane takes for another incarnation's doing and starts afresh. Positions that a journal may still refer to stay.
/// </remarks>
internal sealed partial class LedgerPurge(
    NpgsqlDataSource dataSource, WritingOptions options, TimeProvider time, ILogger<LedgerPurge> logger)
    : BackgroundService
{
    /// <summary>Rows removed by one statement: few enough that no lane waits long for a lock.</summary>
    private const int AtOnce = 5_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // Nodes purge in turn; who finds another one at it leaves it to that one. The number spells "purge".
    private const string Turn = "SELECT pg_try_advisory_xact_lock(483006768997)";

    private readonly (string Statement, TimeSpan Retention)[] steps =
    [
        (Delete("ingest.idempotency", "claimed_at"), options.KeyRetention),
        (Delete("ingest.exceptions", "settled_at"), options.KeyRetention),
        (Delete("ingest.ledger", "moved_at", JournalMarks.IsNotNeeded), options.KeyRetention),
        (Delete("ingest.dead_letters", "replayed_at"), options.KeyRetention),
        (Delete("ingest.dead_letters", "occurred_at", "replayed_at IS NULL"), options.DeadLetterRetention),
    ];

    /// <summary>Removes all that is too old.</summary>
    /// <returns>The number of rows removed.</returns>
    public async Task<long> PurgeAsync(CancellationToken cancellation)
    {
        long removed = 0;
        var now = time.GetUtcNow();
        foreach (var (statement, retention) in steps)
        {
            int count;
            var before = now - retention;
            do removed += count = await DeleteAsync(statement, before, cancellation);
            while (count == AtOnce);
        }

        return removed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                try
                {
                    await PurgeAsync(stoppingToken);
                }
                catch (NpgsqlException error)
                {
                    LogFailed(SqlErrors.ReasonOf(error));
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private static string Delete(string table, string column, string condition = "true") =>
        $"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < $1 AND {condition} "
        + $"LIMIT {AtOnce} FOR UPDATE SKIP LOCKED))";

    private async Task<int> DeleteAsync(string statement, DateTimeOffset before, CancellationToken cancellation)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = new NpgsqlCommand(Turn, connection))
            if (await turn.ExecuteScalarAsync(cancellation) is not true) return 0;
        await using var delete = new NpgsqlCommand(statement, connection)
        {
            Parameters = { new() { Value = before, NpgsqlDbType = NpgsqlDbType.TimestampTz } },
        };
        var count = await delete.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return count;
    }

    [LoggerMessage(4002, LogLevel.Warning, "Old entries of the ledger are left for later: {Reason}")]
    private partial void LogFailed(string reason);
}
