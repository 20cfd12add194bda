using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>
/// Tests of a whole node, some of which measure how long it takes: they run one after another, with nothing beside.
/// </summary>
[CollectionDefinition(nameof(WholeNode), DisableParallelization = true)]
public sealed class WholeNode;

/// <summary>A node and its database for the tests of one class; the tables are there before the node starts.</summary>
public abstract class NodeFixture(string tables, params (string Name, string Value)[] settings) : IAsyncLifetime
{
    public TestDatabase Database { get; private set; } = null!;

    internal TestNode Node { get; private set; } = null!;

    public virtual async Task InitializeAsync()
    {
        Database = await TestDatabase.CreateAsync();
        await Database.ExecuteAsync(tables);
        Node = await TestNode.StartAsync(Database.ConnectionString, settings);
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        await Database.DisposeAsync();
    }
}

/// <summary>Waits for what other threads and processes do, which no message announces.</summary>
internal static class Soon
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when the condition holds; fails when it does not within the limit.</summary>
    public static async Task IsTrueAsync(Func<Task<bool>> condition, TimeSpan? within = null)
    {
        using var limit = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(20));
        while (!await condition()) await Task.Delay(Interval, limit.Token);
    }

    public static Task IsTrueAsync(Func<bool> condition, TimeSpan? within = null) =>
        IsTrueAsync(() => Task.FromResult(condition()), within);
}
