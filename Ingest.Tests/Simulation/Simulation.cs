using Akka.Actor;
using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Batching.Journal;
using Ingest.Node.Gateway;
using Ingest.Node.Observability;
using Ingest.Node.Writing;

namespace Ingest.Tests.Simulation;

/// <summary>
/// The whole way of a row, from its caller to the table, for one seed: the real gateway, lane and writer actors
/// between a network and a database that do what the seed says. Everything runs on the caller's thread, in virtual
/// time.
/// </summary>
internal sealed class Simulation : IDisposable
{
    private const string Table = "clicks";

    private static readonly JournalTimes Times = new(TimeSpan.FromMilliseconds(600), TimeSpan.FromMilliseconds(200));

    private readonly SimulatedSystem system;
    private readonly Sabotage sabotage;
    private readonly Stage stage;

    public Simulation(SimulatedSystem system, int seed, Sabotage sabotage, Coverage coverage, bool keepLog)
    {
        this.system = system;
        this.sabotage = sabotage;
        Coverage = coverage;
        Random = new Random(seed);
        Plan = SimulationPlan.Draw(Random);
        Log = new EventLog(system.Clock, keepLog);
        stage = system.NewStage(
            actor => Lanes!.Ended(actor), error => Oracle.Fail($"an actor failed: {error}"));
        Database = new SimulatedDatabase(Oracle, Log, sabotage);
        Connections = new Connections(Database, system.Clock, Random, Log);
        Journal = new SimulatedJournal(Connections, Random, Log, coverage, sabotage);
        Lanes = new SimulatedLanes(StartLane, stage, Connections, system.Clock, Random, Log);
        Network = new SimulatedNetwork(Lanes, Log, coverage, sabotage);
        Gateways = [.. Enumerable.Range(1, Plan.Gateways).Select(StartGateway)];
    }

    public SimulationPlan Plan { get; }

    public Random Random { get; }

    public Oracle Oracle { get; } = new();

    public EventLog Log { get; }

    public Coverage Coverage { get; }

    public SimulatedDatabase Database { get; }

    public Connections Connections { get; }

    public SimulatedJournal Journal { get; }

    public SimulatedLanes Lanes { get; }

    public SimulatedNetwork Network { get; }

    public IReadOnlyList<SimulatedGateway> Gateways { get; }

    /// <summary>Lets time pass, in steps so small that no timer is late by much.</summary>
    public void Advance(TimeSpan by)
    {
        var step = TimeSpan.FromMilliseconds(50);
        for (; by > TimeSpan.Zero && Oracle.Violation is null; by -= step)
        {
            system.Clock.Advance(by < step ? by : step);
            Lanes.StopOverdue();
            Watch();
        }
    }

    public void Watch()
    {
        foreach (var gateway in Gateways) gateway.Watch();
    }

    public void Dispose() => stage.Close();

    private Incarnation StartLane(LaneId lane, int number)
    {
        var store = new SimulatedStore($"{lane}:{number}", Database, Connections, Oracle, Log, Coverage, sabotage);
        var writer = Props.Create(() => new WriterActor(store));
        var random = new Random(Random.Next());
        var metrics = new NodeMetrics(TimeProvider.System).Of(lane.Table);
        var plugin = system.NewOutlet($"journal-of-{number}", (message, _) => Journal.Take(message, store));
        var journal = Props.Create(() => new JournalActor(lane, Plan.Batching, plugin, random, Times));
        var alarms = new LaneAlarms();
        var actor = stage.Start(Props.Create(() => new BatcherActor(
            lane, Plan.Batching, writer, journal, random, metrics, alarms, Times)));
        Log.Add($"{store.Name} starts");
        return new Incarnation(number, lane, actor, store, alarms);
    }

    private SimulatedGateway StartGateway(int number)
    {
        var gateway = new SimulatedGateway(number, Plan, Oracle, Log, system.Clock, Random);
        var back = system.NewOutlet($"gateway-{number}", (message, _) => Network.SendToGateway(message, gateway));
        var lanes = system.NewOutlet(
            $"lanes-of-{number}", (message, _) => Network.SendToLane((ILaneMessage)message, back));
        gateway.Attach(stage.Start(Props.Create(() => new GatewayActor(Plan.Gateway, gateway.Owner, lanes))));
        return gateway;
    }

    /// <summary>The lanes of the table.</summary>
    public IEnumerable<LaneId> AllLanes => Enumerable.Range(0, Plan.Lanes).Select(number => new LaneId(Table, number));
}
