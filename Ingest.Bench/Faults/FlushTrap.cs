using Ingest.Bench.Processes;
using Npgsql;

namespace Ingest.Bench.Faults;

/// <summary>
/// Catches a lane in the middle of a flush: a lock on its table holds COPY or INSERT up, in a transaction that has
/// moved the ledger already, until the trap is disposed. So a fault strikes a flush for certain, and not by luck.
/// </summary>
internal sealed class FlushTrap : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan Filling = TimeSpan.FromMilliseconds(400);

    private readonly NpgsqlConnection connection;

    private FlushTrap(NpgsqlConnection connection) => this.connection = connection;

    /// <summary>The process id of the server's process that is in the flush.</summary>
    public int Backend { get; private set; }

    /// <summary>The name of the node whose lane it is.</summary>
    public string Node { get; private set; } = "";

    /// <summary>Waits until a flush into the table hangs. There must be load on it.</summary>
    /// <exception cref="RunException">None came.</exception>
    public static async Task<FlushTrap> SetAsync(RunPostgres postgres, string table, TimeProvider time)
    {
        var trap = new FlushTrap(await postgres.Source.OpenConnectionAsync());
        try
        {
            await trap.LockAsync(table, "SHARE");
            await trap.CatchAsync(postgres, table, time);
            return trap;
        }
        catch
        {
            await trap.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// As <see cref="SetAsync"/>, but the flush that hangs has rows of every node that sends any: what a small one
    /// locks is one node's position in the ledger, and a fault would then strike that node's callers alone.
    /// </summary>
    public static async Task<FlushTrap> SetFullAsync(RunPostgres postgres, string table, TimeProvider time)
    {
        var next = new FlushTrap(await postgres.Source.OpenConnectionAsync());
        try
        {
            Task locked;
            await using (await SetAsync(postgres, table, time))
            {
                // It stands in line behind the flush that hangs, and before the one that now fills.
                locked = next.LockAsync(table, "SHARE ROW EXCLUSIVE");
                await Task.Delay(Filling, time);
            }

            await locked;
            await next.CatchAsync(postgres, table, time);
            return next;
        }
        catch
        {
            await next.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets the flush go on.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var release = new NpgsqlCommand("ROLLBACK", connection);
            await release.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException)
        {
            // The server was the fault's victim, and the lock has gone with it.
        }
        finally
        {
            await connection.DisposeAsync();
        }
    }

    private async Task LockAsync(string table, string mode)
    {
        await using var take = new NpgsqlCommand($"BEGIN; LOCK TABLE {table} IN {mode} MODE", connection);
        await take.ExecuteNonQueryAsync();
    }

    private async Task CatchAsync(RunPostgres postgres, string table, TimeProvider time)
    {
        var since = time.GetTimestamp();
        while (!await TryCatchAsync(postgres, table))
        {
            if (time.GetElapsedTime(since) > Limit) throw new RunException($"No flush into {table} was seen.");
            await Task.Delay(Interval, time);
        }
    }

    private async Task<bool> TryCatchAsync(RunPostgres postgres, string table)
    {
        if (await FindAsync(postgres, table) is not { } flush) return false;
        (Backend, Node) = flush;
        return true;
    }

    /// <summary>Looks for a flush into a table that waits for a lock.</summary>
    /// <returns>The server's process that is in it, and the node whose lane it is; null where there is none.</returns>
    public static async Task<(int Backend, string Node)?> FindAsync(RunPostgres postgres, string table)
    {
        await using var look = postgres.Source.CreateCommand(
            "SELECT pid, application_name FROM pg_stat_activity "
            + "WHERE state = 'active' AND wait_event_type = 'Lock' "
            // A small batch is an INSERT, a large one a COPY.
            + "AND (query LIKE 'COPY%' OR query LIKE 'INSERT%') AND query LIKE '%' || $1 || '%'");
        look.Parameters.Add(new NpgsqlParameter { Value = table });
        await using var reader = await look.ExecuteReaderAsync();
        return await reader.ReadAsync() ? (reader.GetInt32(0), reader.GetString(1)) : null;
    }
}
