using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Catalog;

/// <summary>
/// Key values that this node has reserved from one sequence, a block at a time. Thread-safe. Values of a block that is
/// not used up when the node ends are gaps, as every sequence has them.
/// </summary>
/// <remarks>
/// A block grows while blocks are used up quickly and shrinks while they last, so that a table with little traffic
/// leaves small gaps. Values reserved before a <c>setval</c> or <c>TRUNCATE ... RESTART IDENTITY</c> are still handed
/// out after it, as they are by a sequence with a <c>CACHE</c>.
/// </remarks>
/// <param name="database">Where the sequence is; the role needs USAGE on it.</param>
/// <param name="sequence">The sequence's oid, which outlives a change of its name.</param>
/// <param name="time">Measures how long a block lasts.</param>
public sealed class SequenceKeys(NpgsqlDataSource database, uint sequence, TimeProvider time)
{
    internal const int SmallestBlock = 100;
    internal const int LargestBlock = 10_000;

    private const int Growth = 4;

    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();

    // The block that is being used and the one behind it. Both change under the gate only; TryTake reads the first.
    private volatile Block current = new([]);
    private Block? spare;
    private Task? fetching;
    private long? fetchedAt;
    private int blockSize = SmallestBlock;

    /// <summary>Takes the next reserved value, without waiting.</summary>
    /// <returns>False where the block is used up: await <see cref="ReserveAsync"/>, then try again.</returns>
    public bool TryTake(out long value)
    {
        while (true)
        {
            var block = current;
            if (block.TryTake(out value, out var isHalfway))
            {
                if (isHalfway) Prefetch();
                return true;
            }

            if (!Advance(block)) return false;
        }
    }

    /// <summary>Reserves a block unless some values are left; callers at the same time share one round trip.</summary>
    /// <exception cref="NpgsqlException">
    /// No values could be had: the database is not there, the sequence is gone, or it is at its end (SQLSTATE 2200H).
    /// </exception>
    public ValueTask ReserveAsync(CancellationToken cancellation)
    {
        lock (gate)
        {
            if (current.HasMore || spare is not null) return ValueTask.CompletedTask;
            fetching ??= FetchAsync();
            return new ValueTask(fetching.WaitAsync(cancellation));
        }
    }

    private void Prefetch()
    {
        lock (gate)
        {
            if (spare is null) fetching ??= FetchAsync();
        }
    }

    /// <summary>Makes the spare block the current one, where <paramref name="usedUp"/> still is.</summary>
    private bool Advance(Block usedUp)
    {
        lock (gate)
        {
            if (current != usedUp) return true;
            if (spare is null) return false;
            current = spare;
            spare = null;
            return true;
        }
    }

    // Runs on the pool, so that it neither completes nor continues under the gate of the caller that starts it.
    private Task FetchAsync()
    {
        var count = NextBlockSize();
        var fetch = Task.Run(async () =>
        {
            try
            {
                var block = new Block(await ReadAsync(count));
                lock (gate) spare = block;
            }
            finally
            {
                lock (gate) fetching = null;
            }
        });
        // A prefetch that fails has nobody to tell: who runs out of values tries again and gets the error himself.
        _ = fetch.ContinueWith(
            static failed => _ = failed.Exception,
            CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return fetch;
    }

    private int NextBlockSize()
    {
        var lasted = fetchedAt is { } before ? time.GetElapsedTime(before) : Slow;
        fetchedAt = time.GetTimestamp();
        blockSize = lasted < Quick ? blockSize * Growth : lasted < Slow ? blockSize : blockSize / Growth;
        return blockSize = Math.Clamp(blockSize, SmallestBlock, LargestBlock);
    }

    private async Task<long[]> ReadAsync(int count)
    {
        await using var command = database.CreateCommand(CatalogSql.NextValues);
        command.Parameters.Add(new() { Value = sequence, NpgsqlDbType = NpgsqlDbType.Oid });
        command.Parameters.Add(new() { Value = (long)count, NpgsqlDbType = NpgsqlDbType.Bigint });
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<long>(count);
        while (await reader.ReadAsync()) values.Add(reader.GetInt64(0));
        return values.Count > 0
            ? [.. values]
            : throw new NpgsqlException($"The sequence with oid {sequence} does not exist any more.");
    }

    private sealed class Block(long[] values)
    {
        private int taken;

        public bool HasMore => Volatile.Read(ref taken) < values.Length;

        public bool TryTake(out long value, out bool isHalfway)
        {
            // A look first, so that callers who poll a used-up block cannot make the count run over.
            var index = HasMore ? Interlocked.Increment(ref taken) - 1 : values.Length;
            isHalfway = index == values.Length / 2;
            value = index < values.Length ? values[index] : 0;
            return index < values.Length;
        }
    }
}
