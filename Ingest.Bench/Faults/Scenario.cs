namespace Ingest.Bench.Faults;

/// <summary>One fault, and what is demanded of the service in it.</summary>
/// <param name="Name">For <c>--only</c>, and the beginning of the tables' names.</param>
/// <param name="ResumeWithin">From the end of the fault's cause to the service of all tables.</param>
/// <param name="InjectAsync">Begins the fault under load and ends its cause. The load goes on afterwards.</param>
internal sealed record Scenario(string Name, string Title, TimeSpan ResumeWithin, Func<Scene, Task> InjectAsync)
{
    /// <summary>Brings the cluster into the state in which the load begins; by default all nodes run.</summary>
    public Func<NodeCluster, Task>? PrepareAsync { get; init; }

    /// <summary>The load begins on the first node alone.</summary>
    public bool OnFirstNode { get; init; }

    /// <summary>Each node has a network of its own.</summary>
    public bool InNetworks { get; init; }

    /// <summary>No caller may be told of an error of the server's.</summary>
    public bool WithoutServerErrors { get; init; }
}
