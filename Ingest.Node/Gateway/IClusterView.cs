namespace Ingest.Node.Gateway;

/// <summary>The nodes of this cluster and the lanes that live on them, as this node sees them.</summary>
public interface IClusterView
{
    Task<IReadOnlyList<ClusterMember>> MembersAsync(CancellationToken cancellation);
}

/// <summary>One node.</summary>
/// <param name="Address">Its address for other nodes, host:port.</param>
/// <param name="Status">Its status in the cluster, as Akka.NET names it: <c>Up</c>, <c>Leaving</c>, ...</param>
/// <param name="IsReachable">False where this node has lost sight of it.</param>
/// <param name="IsSelf">True for the node that answers.</param>
/// <param name="Lanes">Its lanes; null where it holds none by its roles, or did not say in time.</param>
public sealed record ClusterMember(
    string Address,
    string Status,
    IReadOnlyList<string> Roles,
    bool IsReachable,
    bool IsSelf,
    IReadOnlyList<string>? Lanes);
