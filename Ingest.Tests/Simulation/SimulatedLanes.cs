using Akka.Actor;
using Akka.TestKit;
using Ingest.Messages;
using Ingest.Node.Batching;

namespace Ingest.Tests.Simulation;

/// <summary>One start of a lane's actor, in a process with a connection pool of its own.</summary>
internal sealed class Incarnation(
    int number, LaneId lane, IActorRef actor, SimulatedStore store, LaneAlarms alarms)
{
    /// <summary>Counts the incarnations of all lanes.</summary>
    public int Number => number;

    public string Name => store.Name;

    public LaneId Lane => lane;

    public IActorRef Actor => actor;

    public SimulatedStore Store => store;

    public LaneAlarms Alarms => alarms;

    /// <summary>When it was told to stop.</summary>
    public DateTimeOffset LeavingSince { get; set; }

    /// <summary>It has stopped, or its process is gone.</summary>
    public bool IsGone { get; set; }
}

/// <summary>
/// Stands for cluster sharding: starts a lane when it is first told something. As sharding may in a split brain, it
/// can run two incarnations of a lane at once, and both hear and answer.
/// </summary>
/// <param name="start">Starts an incarnation of a lane.</param>
internal sealed class SimulatedLanes(
    Func<LaneId, int, Incarnation> start,
    Stage stage,
    Connections connections,
    TestScheduler clock,
    Random random,
    EventLog log)
{
    private static readonly TimeSpan HandOffTimeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<LaneId, Incarnation> current = [];
    private readonly List<Incarnation> zombies = [];
    private readonly List<Incarnation> leaving = [];
    private int lastNumber;

    /// <summary>All that run, in order of start.</summary>
    public List<Incarnation> Running => [.. current.Values.Concat(zombies).Concat(leaving).OrderBy(one => one.Number)];

    /// <summary>Lanes with an incarnation that takes messages.</summary>
    public List<Incarnation> Current => [.. current.Values.OrderBy(one => one.Number)];

    /// <summary>The incarnation that a message goes to.</summary>
    /// <returns>null while the lane moves.</returns>
    public Incarnation? Route(LaneId lane, Incarnation? pinned)
    {
        if (pinned is not null) return pinned;
        if (leaving.Exists(one => one.Lane == lane)) return null;
        var others = zombies.FindAll(one => one.Lane == lane);
        if (others.Count > 0 && random.Next(2) == 0) return others[random.Next(others.Count)];
        if (!current.TryGetValue(lane, out var incarnation)) current[lane] = incarnation = Start(lane);
        return incarnation;
    }

    /// <summary>Sharding remembers lanes: one that is gone comes back by itself.</summary>
    public void Remember(LaneId lane)
    {
        if (!current.ContainsKey(lane) && !leaving.Exists(one => one.Lane == lane)) current[lane] = Start(lane);
    }

    /// <summary>The lane starts a second time, while the first lives on.</summary>
    public void Split(Incarnation incarnation)
    {
        zombies.Add(incarnation);
        current[incarnation.Lane] = Start(incarnation.Lane);
        log.Add($"{incarnation.Name} is a zombie beside {current[incarnation.Lane].Name}");
    }

    /// <summary>The process of an incarnation is gone at once; its transactions are the server's.</summary>
    public void Crash(Incarnation incarnation)
    {
        log.Add($"{incarnation.Name} crashes");
        connections.Forget(incarnation.Store);
        stage.Stop(incarnation.Actor);
    }

    /// <summary>The actor fails, and its supervisor starts it anew in the same process.</summary>
    public void Restart(Incarnation incarnation)
    {
        log.Add($"{incarnation.Name} restarts");
        Stage.Crash(incarnation.Actor);
    }

    public void CrashWriter(Incarnation incarnation)
    {
        log.Add($"{incarnation.Name}: its writer crashes");
        Stage.Crash(((ActorRefWithCell)incarnation.Actor).GetSingleChild("writer"));
    }

    /// <summary>The lane's shard moves: this incarnation writes what it holds and stops.</summary>
    public void HandOff(Incarnation incarnation)
    {
        log.Add($"{incarnation.Name} is told to stop");
        current.Remove(incarnation.Lane);
        leaving.Add(incarnation);
        incarnation.LeavingSince = clock.Now;
        incarnation.Actor.Tell(LaneStop.Instance, ActorRefs.NoSender);
    }

    /// <summary>Sharding stops an actor that has not followed in time, since it has failed meanwhile and
    /// forgotten.</summary>
    public void StopOverdue()
    {
        foreach (var overdue in leaving.FindAll(one => clock.Now - one.LeavingSince > HandOffTimeout))
            stage.Stop(overdue.Actor);
    }

    /// <summary>The split brain is resolved: the minority's processes are downed.</summary>
    public void Heal()
    {
        foreach (var zombie in zombies.ToArray()) Crash(zombie);
    }

    /// <summary>An actor has stopped.</summary>
    public void Ended(IActorRef actor)
    {
        if (Running.Find(one => one.Actor.Equals(actor)) is not { } incarnation) return;
        log.Add($"{incarnation.Name} has stopped");
        incarnation.IsGone = true;
        zombies.Remove(incarnation);
        leaving.Remove(incarnation);
        if (current.GetValueOrDefault(incarnation.Lane) == incarnation) current.Remove(incarnation.Lane);
    }

    private Incarnation Start(LaneId lane) => start(lane, ++lastNumber);
}
