using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Gateway;

namespace Ingest.Tests.Simulation;

/// <summary>
/// What one seed runs: how many of everything, its settings, and how often each fault strikes. About half of the
/// faults are off in a run, since faults that all strike at once hide what a few of them would do together.
/// </summary>
internal sealed record SimulationPlan
{
    public required int Gateways { get; init; }

    public required int Lanes { get; init; }

    /// <summary>Rows that callers hand in before the faults end.</summary>
    public required int Rows { get; init; }

    /// <summary>Choices that the driver makes before the faults end.</summary>
    public required int Steps { get; init; }

    /// <summary>The chance that a row is one that PostgreSQL refuses.</summary>
    public required double BadRows { get; init; }

    /// <summary>The chance that a caller asks to be accepted.</summary>
    public required double AcceptedRows { get; init; }

    /// <summary>How many of the oldest packets may overtake each other.</summary>
    public required int Reorder { get; init; }

    /// <summary>The chance that a step in the database fails.</summary>
    public required double StepFaults { get; init; }

    /// <summary>The chance that a COMMIT does.</summary>
    public required double CommitFaults { get; init; }

    /// <summary>How much faster than the rest the database works: below one, transactions last long.</summary>
    public required double DatabasePace { get; init; }

    public required FaultWeights Faults { get; init; }

    public required GatewayOptions Gateway { get; init; }

    public required BatchingOptions Batching { get; init; }

    public static SimulationPlan Draw(Random random) => random.Next(2) == 0 ? DrawLarge(random) : DrawSmall(random);

    /// <summary>
    /// A few rows of one gateway in one lane that is split: where little else goes on, two incarnations with the same
    /// rows meet in every order.
    /// </summary>
    private static SimulationPlan DrawSmall(Random random)
    {
        var plan = DrawLarge(random);
        return plan with
        {
            Gateways = 1,
            Lanes = 1,
            Rows = random.Next(1, 8),
            Steps = random.Next(50, 250),
            Faults = plan.Faults with
            {
                GatewayCrash = 0,
                Split = 2,
                Drop = plan.Faults.Drop * 2,
                Pause = plan.Faults.Pause * 3,
            },
            Gateway = plan.Gateway with { EnvelopeRows = 12, EnvelopeBytes = 1 << 20 },
            Batching = plan.Batching with { FlushEvery = 15, FlushBytes = 1 << 20, BufferBytes = 1 << 20 },
        };
    }

    private static SimulationPlan DrawLarge(Random random)
    {
        var flushEvery = random.Next(1, 16);
        var timeout = TimeSpan.FromMilliseconds(random.Next(6, 60) * 50);
        var margin = timeout * (random.NextDouble() * 0.7);
        var retry = TimeSpan.FromMilliseconds(20 * random.Next(1, 20));
        return new SimulationPlan
        {
            Gateways = random.Next(1, 4),
            Lanes = random.Next(1, 3),
            Rows = random.Next(20, 200),
            Steps = random.Next(150, 600),
            BadRows = random.Next(3) == 0 ? 0.2 : 0,
            AcceptedRows = random.Next(3) switch { 0 => 0, 1 => 1, _ => random.NextDouble() },
            Reorder = random.Next(2) == 0 ? 1 : random.Next(2, 10),
            StepFaults = random.Next(3) == 0 ? 0 : random.NextDouble() * 0.25,
            CommitFaults = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.6,
            DatabasePace = 0.3 + random.NextDouble() * 3,
            Faults = FaultWeights.Draw(random),
            Gateway = new GatewayOptions
            {
                RequestTimeout = timeout,
                AnswerMargin = margin,
                InFlightRows = random.Next(40, 400),
                InFlightBytes = 1L << 20,
                EnvelopeRows = random.Next(1, 12),
                EnvelopeBytes = random.Next(2) == 0 ? 1 << 20 : SimulatedGateway.TupleBytes * random.Next(1, 8),
                ProbeAfter = TimeSpan.FromMilliseconds(random.Next(2, 12) * 50),
            },
            Batching = new BatchingOptions
            {
                FlushEvery = flushEvery,
                // Rows that must wait for their age longer than they live are never written: nobody's fault.
                FlushInterval = random.Next(3) == 0 ? TimeSpan.Zero : (timeout - margin) * (random.NextDouble() / 2),
                FlushBytes = random.Next(2) == 0 ? 1 << 20 : SimulatedGateway.TupleBytes * random.Next(1, 12),
                Lanes = 1,
                Acknowledge = Acknowledge.Committed,
                JournalBacklogBytes = random.Next(4) == 0 ? SimulatedGateway.TupleBytes * random.Next(1, 60) : 1 << 20,
                // A lane whose buffer holds no whole batch would wait for its age, however many rows there are.
                BufferBytes = SimulatedGateway.TupleBytes
                    * (flushEvery + random.Next(random.Next(2) == 0 ? 10 : 1_000)),
                RetryMin = retry,
                RetryMax = 4 * retry,
                StopTimeout = TimeSpan.FromMilliseconds(random.Next(4, 20) * 50),
            },
        };
    }
}

/// <summary>How often the driver picks each fault, against a weight of about 70 for all that goes well.</summary>
internal sealed record FaultWeights
{
    public required double Drop { get; init; }

    public required double Duplicate { get; init; }

    /// <summary>Time passes while nothing is delivered and nothing is written.</summary>
    public required double Pause { get; init; }

    public required double DatabaseRestart { get; init; }

    public required double WriterCrash { get; init; }

    /// <summary>The lane's actor fails and its supervisor restarts it.</summary>
    public required double LaneRestart { get; init; }

    /// <summary>The lane's process is gone at once.</summary>
    public required double LaneCrash { get; init; }

    /// <summary>A second incarnation of a lane starts while the first lives on.</summary>
    public required double Split { get; init; }

    public required double HandOff { get; init; }

    public required double GatewayCrash { get; init; }

    public required double FlushNow { get; init; }

    public static FaultWeights Draw(Random random)
    {
        return new FaultWeights
        {
            Drop = Weight(4),
            Duplicate = Weight(3),
            Pause = Weight(0.5),
            DatabaseRestart = Weight(0.4),
            WriterCrash = Weight(0.8),
            LaneRestart = Weight(0.5),
            LaneCrash = Weight(0.8),
            Split = Weight(1.2),
            HandOff = Weight(0.6),
            GatewayCrash = Weight(0.15),
            FlushNow = Weight(0.3),
        };

        double Weight(double most) => random.Next(2) == 0 ? 0 : random.NextDouble() * most;
    }
}
