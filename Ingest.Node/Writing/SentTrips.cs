using System.Runtime.CompilerServices;
using Ingest.Messages;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// Batches that were sent in a <see cref="SingleTrip"/> and whose end is not known. Such a one holds no lock before the
/// server comes to it, so the ledger alone cannot tell that it will not be carried out yet, from the buffer of a
/// connection that is long closed. With the server's process for that connection it is gone for good: ending it is
/// safe, since what it has not committed by then is rolled back, and the ledger tells which.
/// </summary>
internal sealed class SentTrips
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    // Who is not of this role and database is not the process that was meant, but one that got its number.
    private const string End = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid = $1 AND datname = current_database() AND usename = session_user
        """;

    // By reference: the batcher asks about the very batch that it has handed over, and forgets it afterwards.
    private readonly ConditionalWeakTable<Batch, StrongBox<int>> backends = [];

    /// <param name="backend">The process id of the server's process that carries it out.</param>
    public void Add(Batch batch, int backend) => backends.AddOrUpdate(batch, new StrongBox<int>(backend));

    /// <summary>True where the end of what was sent is not known.</summary>
    public bool Holds(Batch batch) => backends.TryGetValue(batch, out _);

    public void Remove(Batch batch) => backends.Remove(batch);

    /// <summary>Sees to it that a batch is either committed by now, or never will be by what was sent.</summary>
    /// <returns>False where that could not be had in time.</returns>
    public async Task<bool> TryEndAsync(
        Batch batch, NpgsqlDataSource dataSource, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        if (!backends.TryGetValue(batch, out var backend)) return true;
        await using var end = dataSource.CreateCommand(End);
        end.Parameters.Add(new NpgsqlParameter<int> { TypedValue = backend.Value });
        for (var start = time.GetTimestamp(); time.GetElapsedTime(start) < patience;)
        {
            if (await end.ExecuteScalarAsync(cancellation) is 0L)
            {
                Remove(batch);
                return true;
            }

            await Task.Delay(LookEvery, time, cancellation);
        }

        return false;
    }
}
