using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>What callers are told while a table cannot be written, and what becomes of what they sent.</summary>
[Collection(nameof(Alone))]
public sealed class BackpressureTests(BackpressureTests.Fixture fixture) : IClassFixture<BackpressureTests.Fixture>
{
    private const int Limit = 50;

    private TestNode Node => fixture.Node;

    [Fact]
    public async Task Should_turn_single_rows_away_at_the_limit_and_take_them_again_when_there_is_room()
    {
        Assert.Equal(201, (await PostAsync("single", 0)).Status);
        var held = await LockAsync("single");
        var posts = Enumerable.Range(1, Limit).Select(id => PostAsync("single", id)).ToList();
        await Eventually.TrueAsync(() => Node.InFlightRows == Limit);
        var started = TimeProvider.System.GetTimestamp();

        var refused = await PostAsync("single", 1_000);

        Assert.Equal(429, refused.Status);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.RetryAfter);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(posts, post => post.IsCompleted);
        await held.DisposeAsync();
        Assert.All(await Task.WhenAll(posts), answer => Assert.Equal(201, answer.Status));
        Assert.Equal(0, Node.InFlightRows);
        Assert.Equal(201, (await PostAsync("single", 1_000)).Status);
        Assert.Equal(Limit + 2, await fixture.Database.ScalarAsync<long>("SELECT count(*) FROM single"));
    }

    [Fact]
    public async Task Should_slow_a_stream_down_without_refusing_a_row()
    {
        Assert.Equal(201, (await PostAsync("streamed", 0)).Status);
        var held = await LockAsync("streamed");
        var streams = Enumerable.Range(0, 4).Select(stream => Node.PostAsync(
            "streamed",
            string.Join('\n', Enumerable.Range(1, 2_000).Select(row => $$"""{"id":{{(stream * 10_000) + row}}}""")),
            "application/x-ndjson")).ToList();
        await Eventually.TrueAsync(() => Node.InFlightRows > 0);
        // Streams are let in one piece at a time here: a piece that alone is over the limit enters an idle node.
        Assert.InRange(Node.InFlightRows, 1, 512);
        Assert.DoesNotContain(streams, stream => stream.IsCompleted);

        await held.DisposeAsync();

        foreach (var stream in streams)
            Assert.Equal(2_000, (await stream).Lines[^1].GetProperty("committed").GetInt32());
        Assert.Equal(8_001, await fixture.Database.ScalarAsync<long>("SELECT count(*) FROM streamed"));
        Assert.Equal(0, Node.InFlightRows);
    }

    private Task<Answer> PostAsync(string table, int id) => Node.PostAsync(table, $$"""{"id":{{id}}}""");

    /// <summary>Keeps everybody out of a table until it is disposed.</summary>
    private async Task<NpgsqlConnection> LockAsync(string table)
    {
        var connection = new NpgsqlConnection(fixture.Database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    public sealed class Fixture() : NodeFixture(
        "CREATE TABLE single(id int PRIMARY KEY); CREATE TABLE streamed(id int PRIMARY KEY)",
        ("INGEST_IN_FLIGHT_ROWS", "50"));
}
