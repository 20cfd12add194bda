using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Ingest.Node.Cluster;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Tests.Cluster;

public sealed class ShardHomesTests : TestKit
{
    public ShardHomesTests()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
    }

    private TestScheduler Clock => (TestScheduler)Sys.Scheduler;

    [Fact]
    public void Should_send_one_message_to_each_shard_of_each_node_once_a_round()
    {
        var lanes = CreateTestProbe();
        TestProbe[] regions = [CreateTestProbe(), CreateTestProbe()];
        Sys.ActorOf(Props.Create(() => new ShardHomes(() => regions, lanes)));

        for (var round = 0; round < 2; round++)
        {
            Answer(regions[0], Shard("7", "clicks/0", "clicks/3"), Shard("8", "orders/1"));
            Answer(regions[1], Shard("9", "clicks/1"), Shard("10"));

            // Of the two lanes of a shard either will do.
            var reached = Enumerable.Range(0, 3)
                .Select(_ => lanes.ExpectMsg<Probe>().Lane.ToString().Replace("clicks/3", "clicks/0"));
            Assert.Equal(["clicks/0", "clicks/1", "orders/1"], reached.Order(StringComparer.Ordinal));
            lanes.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
            Clock.Advance(TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public void Should_claim_no_rows_of_a_lane()
    {
        var (lanes, region) = (CreateTestProbe(), CreateTestProbe());
        Sys.ActorOf(Props.Create(() => new ShardHomes(() => new[] { region }, lanes)));
        Answer(region, Shard("7", "clicks/0"));

        var probe = lanes.ExpectMsg<Probe>();

        Assert.Equal((1, 1), (probe.Base, probe.Next));
        Assert.NotEqual(default, probe.Gateway);
    }

    private static ShardState Shard(string id, params string[] lanes) => new(id, lanes.ToImmutableHashSet());

    private static void Answer(TestProbe region, params ShardState[] shards)
    {
        region.ExpectMsg<GetShardRegionState>();
        region.Reply(new CurrentShardRegionState(
            shards.ToImmutableHashSet(), ImmutableHashSet<string>.Empty));
    }
}
