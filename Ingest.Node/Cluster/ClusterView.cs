using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Ingest.Node.Gateway;

namespace Ingest.Node.Cluster;

/// <summary>Asks the shard region of each node which lanes it holds.</summary>
internal sealed class ClusterView(ActorSystem system) : IClusterView
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<IReadOnlyList<ClusterMember>> MembersAsync(CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        var state = cluster.State;
        return await Task.WhenAll(state.Members.Select(async member => new ClusterMember(
            $"{member.Address.Host}:{member.Address.Port}",
            member.Status.ToString(),
            [.. member.Roles.Order(StringComparer.Ordinal)],
            !state.Unreachable.Contains(member),
            member.Address == cluster.SelfAddress,
            await LanesOf(member, state, cancellation))));
    }

    /// <summary>The shard region of a node that holds lanes.</summary>
    public static ActorPath RegionOf(Member member) =>
        new RootActorPath(member.Address) / "system" / "sharding" / Pipeline.LanesName;

    private async Task<IReadOnlyList<string>?> LanesOf(
        Member member, ClusterEvent.CurrentClusterState state, CancellationToken cancellation)
    {
        if (!member.HasRole(NodeRoles.Batcher) || state.Unreachable.Contains(member)) return null;
        try
        {
            var region = system.ActorSelection(RegionOf(member));
            var held = await region.Ask<CurrentShardRegionState>(GetShardRegionState.Instance, Patience, cancellation);
            return [.. held.Shards.SelectMany(shard => shard.EntityIds).Order(StringComparer.Ordinal)];
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}

/// <summary>What a node does. A node has both roles unless its settings say otherwise.</summary>
internal static class NodeRoles
{
    /// <summary>Takes rows from callers.</summary>
    public const string Gateway = "gateway";

    /// <summary>Holds lanes and writes to PostgreSQL.</summary>
    public const string Batcher = "batcher";

    public static readonly IReadOnlyCollection<string> All = [Gateway, Batcher];
}
