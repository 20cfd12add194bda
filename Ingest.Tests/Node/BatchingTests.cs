using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>How rows of many callers become transactions.</summary>
[Collection(nameof(Alone))]
public sealed class BatchingTests
{
    private const string Transactions = """
        SELECT coalesce(string_agg(rows::text, ',' ORDER BY rows DESC), '')
          FROM (SELECT count(*) AS rows FROM batched GROUP BY xmin::text) sizes
        """;

    [Fact]
    public async Task Should_flush_by_count_at_once_and_the_rest_by_age()
    {
        await using var database = await NewDatabaseAsync();
        await using var node = await TestNode.StartAsync(
            database.ConnectionString,
            ("INGEST_FLUSH_EVERY", "100"), ("INGEST_FLUSH_INTERVAL", "3s"), ("INGEST_LANES", "1"));
        // The first row of a table starts its lane, which is not what is measured.
        Assert.Equal(201, (await node.PostAsync("other", """{"id":0}""")).Status);
        var started = TimeProvider.System.GetTimestamp();

        var posts = Enumerable.Range(1, 250).Select(id => PostAsync(node, id)).ToList();
        await Eventually.TrueAsync(() => posts.Count(post => post.IsCompleted) >= 200, TimeSpan.FromSeconds(2.5));

        Assert.Equal(200, posts.Count(post => post.IsCompleted));
        Assert.Equal("100,100", await database.ScalarAsync<string>(Transactions));
        Assert.All(await Task.WhenAll(posts), status => Assert.Equal(201, status));
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 2.9, 5);
        Assert.Equal("100,100,50", await database.ScalarAsync<string>(Transactions));
    }

    [Fact]
    public async Task Should_never_put_more_rows_of_a_stream_into_a_transaction_than_flush_every()
    {
        await using var database = await NewDatabaseAsync();
        await using var node = await TestNode.StartAsync(
            database.ConnectionString, ("INGEST_FLUSH_EVERY", "100"), ("INGEST_LANES", "1"));

        var answer = await node.PostAsync(
            "batched", string.Join('\n', Enumerable.Range(1, 1_234).Select(id => $$"""{"id":{{id}}}""")),
            "application/x-ndjson");

        Assert.Equal(1_234, answer.Lines[^1].GetProperty("committed").GetInt32());
        Assert.True(await database.ScalarAsync<long>(
            "SELECT max(n) FROM (SELECT count(*) n FROM batched GROUP BY xmin::text) s") <= 100);
        Assert.Equal(1_234, await database.ScalarAsync<long>("SELECT count(*) FROM batched"));
    }

    [Fact]
    public async Task Should_answer_a_lone_row_at_once_by_default()
    {
        await using var database = await NewDatabaseAsync();
        await using var node = await TestNode.StartAsync(database.ConnectionString);
        await node.PostAsync("batched", """{"id":1}""");
        var started = TimeProvider.System.GetTimestamp();

        for (var id = 2; id <= 21; id++) Assert.Equal(201, await PostAsync(node, id));

        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Should_follow_the_settings_that_a_file_gives_a_table()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """
            ingest.tables { "batched" { flush-every = 7, flush-interval = 20s, lanes = 1 } }
            """);
        await using var database = await NewDatabaseAsync();
        await using var node = await TestNode.StartAsync(database.ConnectionString, ("INGEST_CONFIG", file));
        File.Delete(file);

        var posts = await Task.WhenAll(Enumerable.Range(1, 21).Select(id => PostAsync(node, id)));

        Assert.All(posts, status => Assert.Equal(201, status));
        Assert.Equal("7,7,7", await database.ScalarAsync<string>(Transactions));
        Assert.Equal(201, (await node.PostAsync("other", """{"id":1}""")).Status);
    }

    private static async Task<TestDatabase> NewDatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE batched(id int PRIMARY KEY); CREATE TABLE other(id int PRIMARY KEY)");
        return database;
    }

    private static async Task<int> PostAsync(TestNode node, int id) =>
        (await node.PostAsync("batched", $$"""{"id":{{id}}}""")).Status;
}
