using Akka.Cluster.Sharding;
using Ingest.Messages;

namespace Ingest.Node.Batching;

/// <summary>Routes lane messages: the lane's id is the entity's, and shards are taken by its hash.</summary>
internal sealed class LaneExtractor(int shards) : HashCodeMessageExtractor(shards)
{
    public override string? EntityId(object message) => (message as ILaneMessage)?.Lane.ToString();
}
