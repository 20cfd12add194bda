using Akka.Actor;
using Akka.Cluster.Sharding;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Cluster;

/// <summary>
/// Keeps this node's shard region informed of where each shard lives, before anybody asks for it. A region learns that
/// from the coordinator, and only when it has a message for the shard. If the coordinator's node dies, nobody can be
/// told anything until the cluster has downed it; a gateway that has not used a lane before would then wait for that,
/// though the lane lives and is well.
/// </summary>
internal sealed class ShardHomes : ReceiveActor, IWithTimers
{
    /// <summary>How long a shard that has just started or moved may stay unknown.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // A gateway that never has rows.
    private readonly GatewayId id = GatewayId.New(Context.System.Scheduler.Now);
    private readonly Func<IEnumerable<ICanTell>> regions;
    private readonly IActorRef lanes;

    /// <param name="regions">The shard regions of all nodes that hold lanes and can be reached.</param>
    /// <param name="lanes">This node's shard region, or its proxy.</param>
    public ShardHomes(Func<IEnumerable<ICanTell>> regions, IActorRef lanes)
    {
        this.regions = regions;
        this.lanes = lanes;
        Receive<Tick>(_ => HandleTick());
        Receive<CurrentShardRegionState>(HandleState);
        Receive<Expected>(_ => { }); // The probe has found its way, which is all that it was for.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The regions of the cluster's nodes as they are now.</summary>
    public static IEnumerable<ICanTell> RegionsOf(ActorSystem system)
    {
        var state = Akka.Cluster.Cluster.Get(system).State;
        return state.Members
            .Where(member => member.HasRole(NodeRoles.Batcher) && !state.Unreachable.Contains(member))
            .Select(member => system.ActorSelection(ClusterView.RegionOf(member)));
    }

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Interval);
        Self.Tell(Tick.Instance);
    }

    private void HandleTick()
    {
        foreach (var region in regions()) region.Tell(GetShardRegionState.Instance, Self);
    }

    /// <summary>A message for any lane of a shard makes the region ask for the shard's home, if it does not know
    /// it.</summary>
    private void HandleState(CurrentShardRegionState state)
    {
        foreach (var shard in state.Shards)
            if (shard.EntityIds.FirstOrDefault() is { } lane)
                lanes.Tell(new Probe(LaneId.Parse(lane), id, Base: 1, Next: 1));
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }
}
