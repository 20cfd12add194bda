using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

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
