using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Tests.Simulation;

/// <summary>
/// Runs one seed: picks what happens next, over and over; then ends all faults and sees that everything comes to an
/// end, and that the lanes still write.
/// </summary>
internal sealed class Driver(Simulation world)
{
    private static readonly TimeSpan LongestHealing = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private readonly List<(double Weight, string Name, Action Act)> choices = [];
    private int rowsLeft = world.Plan.Rows;

    private Random Random => world.Random;

    private bool IsOver => world.Oracle.Violation is not null;

    /// <returns>What went wrong; null where nothing did.</returns>
    public string? Run()
    {
        for (var step = 0; step < world.Plan.Steps && !IsOver; step++) Step();
        if (!IsOver) Heal();
        if (!IsOver) ProveThatLanesWrite();
        if (!IsOver)
            foreach (var gateway in world.Gateways)
                if (gateway.Audit() is { } fault) world.Oracle.Fail(fault);
        foreach (var gateway in world.Gateways)
            foreach (var kind in Enum.GetValues<VerdictKind>())
                world.Coverage.Count($"answered {kind}", world.Oracle.Answers(gateway.Number, kind));
        return world.Oracle.Violation;
    }

    private void Step()
    {
        choices.Clear();
        OfferWork();
        OfferFaults();
        var pick = Random.NextDouble() * choices.Sum(choice => choice.Weight);
        foreach (var (weight, name, act) in choices)
        {
            if ((pick -= weight) > 0) continue;
            world.Coverage.Count(name);
            act();
            break;
        }

        world.Watch();
    }

    private void OfferWork()
    {
        Offer(5, "time", () => world.Advance(TimeSpan.FromMilliseconds(Random.Next(1, 6) * 10)));
        if (rowsLeft > 0) Offer(7, "submit", Submit);
        if (world.Network.Count > 0)
            Offer(30 + world.Network.Count, "deliver", () => world.Network.Deliver(PickPacket()));
        var steps = world.Connections.Ready();
        if (steps.Count > 0) Offer(20 * world.Plan.DatabasePace, "database step", () => EndStep(Pick(steps)));
        var late = world.Connections.Late();
        if (late.Count > 0) Offer(15, "attempt timed out", () => Pick(late).Cancel());
        var orphans = world.Database.Orphans.ToList();
        if (orphans.Count > 0) Offer(1.5, "orphan ended", () => EndOrphan(Pick(orphans)));
        if (world.Database.IsDown) Offer(4, "database up", world.Database.Start);
    }

    private void OfferFaults()
    {
        var faults = world.Plan.Faults;
        if (world.Network.Count > 0)
        {
            Offer(faults.Drop, "drop", () => world.Network.Drop(PickPacket()));
            Offer(faults.Duplicate, "duplicate", () => world.Network.Duplicate(PickPacket()));
        }

        Offer(faults.Pause, "pause", () => world.Advance(TimeSpan.FromMilliseconds(Random.Next(1, 30) * 50)));
        if (!world.Database.IsDown) Offer(faults.DatabaseRestart, "database down", world.Connections.StopDatabase);
        Offer(faults.GatewayCrash, "gateway crash", () => Pick(world.Gateways).Crash());
        var running = world.Lanes.Running;
        if (running.Count == 0) return;
        Offer(faults.WriterCrash, "writer crash", () => world.Lanes.CrashWriter(Pick(running)));
        Offer(faults.LaneRestart, "lane restart", () => world.Lanes.Restart(Pick(running)));
        Offer(faults.LaneCrash, "lane crash", () => world.Lanes.Crash(Pick(running)));
        Offer(faults.FlushNow, "flush now", FlushNow);
        var current = world.Lanes.Current;
        if (current.Count == 0) return;
        Offer(faults.HandOff, "hand-off", () => world.Lanes.HandOff(Pick(current)));
        if (running.Count < 4) Offer(faults.Split, "split", () => world.Lanes.Split(Pick(current)));
    }

    private void FlushNow()
    {
        var lane = Pick(world.AllLanes.ToList());
        world.Network.SendToLane(new FlushNow(lane), Akka.Actor.ActorRefs.Nobody);
    }

    private void Submit()
    {
        var submissions = new List<bool[]>();
        for (var caller = Random.Next(1, 4); caller > 0 && rowsLeft > 0; caller--)
        {
            var rows = new bool[Math.Min(rowsLeft, Random.Next(2) == 0 ? 1 : Random.Next(1, 12))];
            for (var row = 0; row < rows.Length; row++) rows[row] = Random.NextDouble() < world.Plan.BadRows;
            rowsLeft -= rows.Length;
            submissions.Add(rows);
        }

        Pick(world.Gateways).Submit(submissions);
    }

    private void EndStep(PendingStep step)
    {
        var fails = Random.NextDouble() < (step.IsCommit ? world.Plan.CommitFaults : world.Plan.StepFaults);
        var end = (step.IsConnect && world.Database.IsDown, fails) switch
        {
            (true, _) => StepEnd.ConnectionLost,
            (_, false) => StepEnd.Done,
            _ when step.IsCommit => Pick(
                [StepEnd.AnswerLost, StepEnd.ConnectionLost, StepEnd.Refused, StepEnd.Unforeseen]),
            _ => Pick([StepEnd.ConnectionLost, StepEnd.ConnectionLost, StepEnd.Refused, StepEnd.Unforeseen]),
        };
        if (end != StepEnd.Done) world.Coverage.Count($"step {end}");
        world.Connections.End(step, end);
    }

    private void EndOrphan(Transaction orphan)
    {
        if (orphan.IsCommitting && Random.Next(3) > 0)
        {
            world.Coverage.Count("orphan committed");
            world.Database.Commit(orphan);
        }
        else
        {
            world.Database.RollBack(orphan);
        }
    }

    /// <summary>No more faults: what is under way is delivered and carried out, until nothing is left.</summary>
    private void Heal()
    {
        world.Log.Add($"--- the faults end");
        world.Database.Start();
        world.Lanes.Heal();
        RunUntil(() =>
        {
            foreach (var lane in world.AllLanes) world.Lanes.Remember(lane);
            return world.Network.Count == 0 && world.Connections.IsIdle && world.Oracle.Owed == 0
                && world.Gateways.All(one => one.IsDrained);
        });
        if (IsOver) return;
        if (world.Oracle.Owed > 0) world.Oracle.Fail($"{world.Oracle.Owed} accepted rows are not in the table");
        foreach (var one in world.Lanes.Running)
            foreach (var (_, reason) in one.Alarms.Stopped) world.Oracle.Fail(reason);
        foreach (var gateway in world.Gateways)
            if (!gateway.IsDrained) world.Oracle.Fail($"gateway {gateway.Number} does not drain");
    }

    /// <summary>
    /// A lane may be stuck though nothing waits for it: each gets new rows, which must be written. Rows that meet a
    /// lane with an old view of the ledger may run out of time, so there is more than one try.
    /// </summary>
    private void ProveThatLanesWrite()
    {
        // A lane that has failed a moment ago pauses; one that was in doubt then finds that it has failed.
        RunFor(2 * world.Plan.Batching.RetryMax);
        foreach (var gateway in world.Gateways)
        {
            var isWritten = false;
            for (var tries = 0; tries < 5 && !isWritten && !IsOver; tries++) isWritten = Writes(gateway);
            if (!isWritten)
                world.Oracle.Fail($"new rows of gateway {gateway.Number} are not written though all is well");
        }
    }

    private bool Writes(SimulatedGateway gateway)
    {
        // As many rows as fill a batch make the gateway turn to the next lane.
        var full = new bool[world.Plan.Batching.FlushEvery];
        var rows = world.AllLanes.SelectMany(_ => gateway.Submit([full], Acknowledge.Committed)).ToList();
        RunUntil(() => gateway.IsDrained);
        return rows.TrueForAll(row => world.Oracle.AnswerOf(row) == VerdictKind.Committed);
    }

    private void RunUntil(Func<bool> isDone) => RunFor(LongestHealing, isDone);

    private void RunFor(TimeSpan time, Func<bool>? isDone = null)
    {
        for (var left = time; left > TimeSpan.Zero && !IsOver && isDone?.Invoke() != true; left -= Tick)
        {
            Settle();
            world.Advance(Tick);
        }
    }

    /// <summary>Carries out all that can happen now.</summary>
    private void Settle()
    {
        for (var actions = 0; !IsOver; actions++)
        {
            if (actions > 20_000)
            {
                world.Oracle.Fail("messages go in circles");
                return;
            }

            foreach (var late in world.Connections.Late()) late.Cancel();
            var isDelivered = world.Network.DeliverOldest();
            var steps = world.Connections.Ready();
            if (steps.Count > 0) world.Connections.End(steps[0], StepEnd.Done);
            var orphans = world.Database.Orphans.ToList();
            if (orphans.Count > 0) EndOrphan(orphans[0]);
            world.Watch();
            if (!isDelivered && steps.Count == 0 && orphans.Count == 0) return;
        }
    }

    private int PickPacket() => Random.Next(Math.Min(world.Network.Count, world.Plan.Reorder));

    private T Pick<T>(IReadOnlyList<T> items) => items[Random.Next(items.Count)];

    private void Offer(double weight, string name, Action act)
    {
        if (weight > 0) choices.Add((weight, name, act));
    }
}
