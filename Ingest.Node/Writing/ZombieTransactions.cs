using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// Ends the transaction of a lane's former incarnation whose node hangs: frozen, or cut off without its connections
/// being closed. PostgreSQL waits for the rest of its COPY for as long as the connection lives, and no time-out of a
/// statement reaches it there, while the lane's next incarnation waits for the ledger's row. Ending a transaction is
/// always safe: it is either rolled back, or committed already, and the ledger tells which.
/// </summary>
internal static class ZombieTransactions
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // Who waits for a row waits for the transaction that has written it; somebody who locks the whole ledger, such as
    // an administrator at work, is left alone. The clock is the server's, since nodes' clocks differ.
    private const string EndBlockers = """
        SELECT pg_terminate_backend(blocker.pid)
        FROM pg_locks AS wait
        CROSS JOIN LATERAL unnest(pg_blocking_pids(wait.pid)) AS blocking (pid)
        JOIN pg_stat_activity AS blocker ON blocker.pid = blocking.pid
        WHERE wait.pid = $1 AND NOT wait.granted AND wait.locktype IN ('transactionid', 'tuple')
          AND blocker.xact_start < clock_timestamp() - make_interval(secs => $2)
        """;

    /// <summary>Waits for a command; meanwhile ends what blocks it and is too old to be anybody's.</summary>
    /// <param name="command">The command, under way.</param>
    /// <param name="backend">The process id of the server's process that carries it out.</param>
    /// <param name="age">From which age on a transaction has outlived its attempt.</param>
    public static async Task EndUntilAsync(
        Task command, NpgsqlDataSource dataSource, int backend, TimeSpan age, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await command.WaitAsync(LookEvery, CancellationToken.None);
                return;
            }
            catch (TimeoutException)
            {
                await TryEndBlockersAsync(dataSource, backend, age, cancellation);
            }
        }
    }

    private static async Task TryEndBlockersAsync(
        NpgsqlDataSource dataSource, int backend, TimeSpan age, CancellationToken cancellation)
    {
        try
        {
            await using var end = dataSource.CreateCommand(EndBlockers);
            end.Parameters.Add(new NpgsqlParameter { Value = backend });
            end.Parameters.Add(new NpgsqlParameter { Value = age.TotalSeconds });
            await end.ExecuteNonQueryAsync(cancellation);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            // The command that waits tells better what is wrong with the database; without the right to end the
            // transaction, it is tried again until somebody else has done so.
        }
    }
}
