using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence;
using Akka.Remote.Hosting;
using Ingest.Messages;
using Ingest.Messages.Wire;
using Ingest.Node.Batching;
using Ingest.Node.Batching.Journal;
using Ingest.Node.Cluster;
using Ingest.Node.Gateway;
using Ingest.Node.Observability;
using Ingest.Node.Writing;

namespace Ingest.Node;

/// <summary>
/// The way of a row through the actor system, and the only place where the stages meet: a gateway groups rows into
/// envelopes, a lane batches them, its writer copies them into the table.
/// </summary>
internal static class Pipeline
{
    /// <summary>The name of the lanes' shard region, on every node.</summary>
    public const string LanesName = "lanes";

    /// <summary>The key of the lanes' shard region, or of the proxy for it, in the actor registry.</summary>
    public sealed class Lanes;

    public static AkkaConfigurationBuilder WithIngest(
        this AkkaConfigurationBuilder akka,
        NodeSettings settings,
        string postgres,
        ILaneStore store,
        RowGateway gateway,
        NodeMetrics metrics,
        LaneAlarms alarms)
    {
        akka.WithCluster(settings.Cluster).WithJournal(postgres)
            .AddHocon(JournalPlugin.ConfigFor(settings.Journal, postgres), HoconAddMode.Prepend);
        if (settings.Cluster.IsBatcher) akka.WithLanes(settings, store, metrics, alarms);
        else akka.WithLanesElsewhere(settings.Cluster);
        return settings.Cluster.IsGateway ? akka.WithGateway(settings.Gateway, gateway) : akka;
    }

    /// <summary>This node, and how messages to others are written.</summary>
    private static AkkaConfigurationBuilder WithCluster(this AkkaConfigurationBuilder akka, ClusterSettings settings)
    {
        var protocol = settings.Tls is null ? "akka.tcp" : "akka.ssl.tcp";
        if (settings.Tls is { } tls)
        {
            akka.AddSetup(NodeCertificate.Load(tls.Files, tls.Authority))
                .AddHocon("akka.remote.dot-netty.tcp.enable-ssl = on", HoconAddMode.Prepend);
        }

        return akka
            .AddHocon(Hocon.Read("akka.conf", Environment.GetEnvironmentVariable), HoconAddMode.Prepend)
            .WithCustomSerializer(
                LaneProtocolSerialization.Name, LaneProtocolSerialization.BoundTypes, LaneProtocolSerialization.Create)
            .WithStrictSerialization()
            .WithRemoting(settings.Host, settings.Port)
            .WithClustering(new ClusterOptions
            {
                Roles = [.. settings.Roles],
                SeedNodes = [.. settings.SeedNodes.Select(node => $"{protocol}://{Program.SystemName}@{node}")],
            })
            .AddStartup((system, _) =>
            {
                var cluster = Akka.Cluster.Cluster.Get(system);
                if (settings.SeedNodes.IsEmpty) cluster.Join(cluster.SelfAddress);
            });
    }

    /// <summary>Where sharding remembers which lanes there are.</summary>
    private static AkkaConfigurationBuilder WithJournal(this AkkaConfigurationBuilder akka, string postgres)
    {
        var text = $"\"{postgres.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
        return akka.AddHocon(
            ConfigurationFactory.ParseString($$"""
                akka.persistence.journal.sql.connection-string = {{text}}
                akka.persistence.snapshot-store.sql.connection-string = {{text}}
                """).WithFallback(Akka.Persistence.Sql.SqlPersistence.DefaultConfiguration),
            HoconAddMode.Append);
    }

    /// <summary>The lanes of all tables, each with its writer.</summary>
    private static AkkaConfigurationBuilder WithLanes(
        this AkkaConfigurationBuilder akka,
        NodeSettings settings,
        ILaneStore store,
        NodeMetrics metrics,
        LaneAlarms alarms) =>
        akka.WithShardRegion<Lanes>(
            LanesName,
            (system, _, _) => id =>
            {
                var lane = LaneId.Parse(id);
                var options = settings.BatchingFor(lane.Table);
                var plugin = Persistence.Instance.Apply(system).JournalFor(JournalPlugin.Id);
                var writer = Props.Create(() => new WriterActor(store));
                var journal = Props.Create(() => new JournalActor(
                    lane, options, plugin, Random.Shared, JournalTimes.Default));
                return Props.Create(() => new BatcherActor(
                    lane,
                    options,
                    writer,
                    journal,
                    Random.Shared,
                    metrics.Of(lane.Table),
                    alarms,
                    JournalTimes.Default));
            },
            new LaneExtractor(settings.Cluster.Shards),
            new ShardOptions
            {
                Role = NodeRoles.Batcher,
                RememberEntities = true,
                RememberEntitiesStore = RememberEntitiesStore.Eventsourced,
                StateStoreMode = StateStoreMode.DData,
                HandOffStopMessage = LaneStop.Instance,
            });

    /// <summary>The way to the lanes for a node that holds none.</summary>
    private static AkkaConfigurationBuilder WithLanesElsewhere(
        this AkkaConfigurationBuilder akka, ClusterSettings settings) =>
        akka.WithShardRegionProxy<Lanes>(LanesName, NodeRoles.Batcher, new LaneExtractor(settings.Shards));

    /// <summary>The way in on this node.</summary>
    private static AkkaConfigurationBuilder WithGateway(
        this AkkaConfigurationBuilder akka, GatewayOptions options, RowGateway gateway) =>
        akka.WithActors((system, registry) =>
        {
            var lanes = registry.Get<Lanes>();
            var actor = system.ActorOf(Props.Create(() => new GatewayActor(options, gateway, lanes)), "gateway");
            gateway.Attach(actor);
            system.ActorOf(Props.Create(() => new AccountsActor(gateway)), AccountsActor.Name);
            system.ActorOf(
                Props.Create(() => new ShardHomes(() => ShardHomes.RegionsOf(system), lanes)), "shard-homes");
            // A node that the others have given up on ends its actors first: its callers are to hear that at once.
            Akka.Cluster.Cluster.Get(system).RegisterOnMemberRemoved(gateway.Drain);
        });
}
