using System.Net.Http.Json;
using System.Text.Json;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>Two nodes in this process, each with a role of its own, that talk to each other by sockets.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private TestNode batcher = null!;
    private TestNode gateway = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE items (id uuid PRIMARY KEY, number int CHECK (number > 0))");
        batcher = await TestNode.StartAsync(database.ConnectionString, ("INGEST_ROLES", "batcher"));
        // It listens some moments before it has joined itself.
        await Eventually.TrueAsync(async () => await MembersAsync(batcher) is [_]);
        var seed = (await MembersAsync(batcher)).Single().GetProperty("address").GetString()!;
        gateway = await TestNode.StartAsync(
            database.ConnectionString, ("INGEST_ROLES", "gateway"), ("INGEST_SEED_NODES", seed));
        await Eventually.TrueAsync(async () => await gateway.Client.ReadinessAsync() == 200);
    }

    public async Task DisposeAsync()
    {
        await gateway.DisposeAsync();
        await batcher.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_write_rows_on_the_node_that_holds_the_lanes_and_answer_them_on_the_one_that_took_them()
    {
        var answer = await gateway.PostAsync("items", """[{"number":1},{"number":0},{"number":2}]""");

        Assert.Equal(
            [201, 422, 201], answer.Json.EnumerateArray().Select(line => line.GetProperty("status").GetInt32()));
        Assert.Equal(2L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
        var members = await MembersAsync(gateway);
        Assert.Equal(
            ["batcher items/0", "gateway "],
            members.Select(member => $"{Texts(member, "roles")} {Texts(member, "lanes")}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Should_tell_the_accounts_of_the_whole_cluster_on_each_node()
    {
        await gateway.PostAsync("items", """[{"number":1},{"number":0},{"number":"x"}]""");

        var books = await batcher.Http.GetFromJsonAsync<JsonElement>("/v1/accounting");

        Assert.Equal(0, books.GetProperty("total").GetProperty("received").GetInt64());
        var cluster = books.GetProperty("cluster");
        Assert.Equal(
            (1, 0), (cluster.GetProperty("nodes").GetArrayLength(), cluster.GetProperty("silent").GetArrayLength()));
        var account = cluster.GetProperty("tables").EnumerateArray().Single();
        Assert.Equal(
            ("items", 3, 1, 2),
            (account.GetProperty("table").GetString(), account.GetProperty("received").GetInt64(),
                account.GetProperty("committed").GetInt64(), account.GetProperty("rejected").GetInt64()));
    }

    [Fact]
    public async Task Should_take_no_rows_on_a_node_that_is_no_gateway() =>
        Assert.Equal(503, (await batcher.PostAsync("items", """{"number":1}""")).Status);

    private static string Texts(JsonElement member, string name) =>
        member.GetProperty(name) is { ValueKind: JsonValueKind.Array } values
            ? string.Join(',', values.EnumerateArray().Select(value => value.GetString()))
            : "";

    private static async Task<List<JsonElement>> MembersAsync(TestNode node)
    {
        var cluster = await node.Http.GetFromJsonAsync<JsonElement>("/v1/cluster");
        return [.. cluster.GetProperty("members").EnumerateArray()];
    }
}
