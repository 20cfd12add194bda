using System.Globalization;
using Xunit.Abstractions;

namespace Ingest.Tests.Simulation;

/// <summary>
/// Many short lives of the whole pipeline, each with its own faults. <c>INGEST_SIMULATION_SEEDS</c> says how many
/// seeds run; <c>INGEST_SIMULATION_SEED</c> runs one alone, or, with the former, is the first of them.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 5_000;

    /// <summary>What the seeds together must have been through.</summary>
    private static readonly string[] Sights =
    [
        "answered Committed", "answered NotWritten", "answered Rejected", "answered Unknown",
        "heard Written", "heard Transient", "heard InDoubt", "heard Fenced", "heard VerdictsRead",
        "drop", "duplicate", "pause", "lane full", "database down", "attempt timed out", "orphan committed",
        "writer crash", "lane restart", "lane crash", "split", "hand-off", "gateway crash", "flush now",
        "answered Accepted", "answered Overloaded", "journal read", "journal read back", "journal trimmed",
        "journal number taken", "journal written late",
        "written at once", "not written at once",
        "step AnswerLost", "step ConnectionLost", "step Refused", "step Unforeseen",
    ];

    [Fact]
    public void Should_keep_its_promises_whatever_fails()
    {
        var first = Setting("INGEST_SIMULATION_SEED");
        var coverage = new Coverage();

        var violation = Simulator.Run(
            first ?? 1, Setting("INGEST_SIMULATION_SEEDS") ?? (first is null ? Seeds : 1), Sabotage.None, coverage);

        output.WriteLine(coverage.ToString());
        Assert.True(violation is null, violation?.ToString());
        if (first is null) Assert.All(Sights, sight => Assert.True(coverage[sight] > 0, $"No seed had: {sight}."));
    }

    [Fact]
    public void Should_tell_the_same_story_of_the_same_seed()
    {
        foreach (var seed in Enumerable.Range(1, 20))
            Assert.Equal(Simulator.Tell(seed).Story, Simulator.Tell(seed).Story);
    }

    /// <summary>A simulator that finds nothing is only worth something if it would find what it looks for.</summary>
    /// <param name="first">Where the search begins; where few seeds notice, near one of them, which saves half a
    /// minute.</param>
    [Theory]
    [InlineData(Sabotage.NoFence)]
    [InlineData(Sabotage.NoResend)]
    [InlineData(Sabotage.NoLedgerRead)]
    [InlineData(Sabotage.DoubtTakenForFailure)]
    [InlineData(Sabotage.NoRecord)]
    [InlineData(Sabotage.LostCommit)]
    [InlineData(Sabotage.EndTakenForBatch, 5_300)]
    [InlineData(Sabotage.JournalForgets)]
    [InlineData(Sabotage.JournalTrimmedTooFar)]
    [InlineData(Sabotage.NoJournalFence)]
    [InlineData(Sabotage.NoEndOfTrip, 2_200)]
    internal void Should_notice_when_a_safeguard_is_missing(Sabotage sabotage, int first = 1)
    {
        var violation = Simulator.Run(first, 10_000, sabotage, new Coverage());

        Assert.NotNull(violation);
        output.WriteLine($"Seed {violation.Seed}: {violation.What}");
    }

    private static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
            : null;
}
