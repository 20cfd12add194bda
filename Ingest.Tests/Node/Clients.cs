using System.Collections.Concurrent;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>
/// Callers that post one row after another, each with a key of its own, and remember what they were told: what the
/// table has to agree with afterwards, whatever happened in between.
/// </summary>
internal sealed class Clients(RowClient client, string table)
{
    /// <summary>The status of a request that ended without an answer.</summary>
    public const int NoAnswer = 0;

    private readonly ConcurrentDictionary<Guid, int> told = new();
    private long slowestTicks;

    /// <summary>What was told, by row.</summary>
    public IReadOnlyDictionary<Guid, int> Told => told;

    /// <summary>The longest that an answer took.</summary>
    public TimeSpan Slowest => TimeSpan.FromTicks(Interlocked.Read(ref slowestTicks));

    public int Count(int status) => told.Values.Count(value => value == status);

    /// <summary>Runs callers side by side until it is cancelled; what is under way then is still awaited.</summary>
    public Task RunAsync(int callers, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => CallAsync(stop), CancellationToken.None)));

    /// <summary>Posts one row.</summary>
    public async Task<int> PostAsync()
    {
        var id = Guid.NewGuid();
        var started = TimeProvider.System.GetTimestamp();
        int status;
        try
        {
            status = (await client.PostAsync(table, $$"""{"id":"{{id}}","url":"u"}""")).Status;
        }
        catch (HttpRequestException)
        {
            status = NoAnswer;
        }

        InterlockedMax(TimeProvider.System.GetElapsedTime(started).Ticks);
        told[id] = status;
        return status;
    }

    /// <summary>
    /// Holds the table against what was told: a row that was acknowledged is there once, one that was refused is not,
    /// one of which nobody knows is there at most once, and there is no row that nobody sent.
    /// </summary>
    public async Task AssertToldTheTruthAsync(string postgres)
    {
        var found = new Dictionary<Guid, int>();
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand($"SELECT id FROM {table}");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            found[reader.GetGuid(0)] = found.GetValueOrDefault(reader.GetGuid(0)) + 1;

        Assert.Empty(found.Keys.Except(told.Keys));
        foreach (var (id, status) in told)
        {
            var times = found.GetValueOrDefault(id);
            var isTrue = status switch
            {
                201 => times == 1,
                503 or 429 => times == 0,
                504 or NoAnswer => times <= 1,
                _ => false,
            };
            Assert.True(isTrue, $"{id} was answered {status} and is there {times} times");
        }
    }

    /// <summary>Holds the node's books against the table; all that was received has come to an end.</summary>
    public async Task AssertBooksAgreeAsync(string postgres)
    {
        await Eventually.TrueAsync(async () =>
            (await client.AccountAsync(table)).GetProperty("pending").GetInt64() == 0);
        var account = await client.AccountAsync(table);
        var received = account.GetProperty("received").GetInt64();
        var committed = account.GetProperty("committed").GetInt64();
        Assert.Equal(
            received,
            committed + account.GetProperty("rejected").GetInt64() + account.GetProperty("notWritten").GetInt64());
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand($"SELECT count(*) FROM {table}");
        Assert.Equal(committed, await command.ExecuteScalarAsync());
    }

    private async Task CallAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var status = await PostAsync();
            // Who is refused at once does not come back at once.
            if (status is not 201) await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    private void InterlockedMax(long ticks)
    {
        long seen;
        while (ticks > (seen = Interlocked.Read(ref slowestTicks)))
            Interlocked.CompareExchange(ref slowestTicks, ticks, seen);
    }
}
