using System.Globalization;
using Xunit.Abstractions;

namespace Ingest.Tests.Simulation;

/// <summary>
/// Many short lives of the whole pipeline, each with its own faults. <c>INGEST_SIMULATION_SEEDS</c> says how many seeds run;
/// <c>INGEST_SIMULATION_SEED</c> runs one alone, or, with the former, is the first of them.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 2_000;

    [Fact]
    public void Should_keep_its_promises_whatever_fails()
    {
        var first = Setting("INGEST_SIMULATION_SEED");
        var coverage = new Coverage();

        var violation = Simulator.Run(
            first ?? 1, Setting("INGEST_SIMULATION_SEEDS") ?? (first is null ? Seeds : 1), Sabotage.None, coverage);

        output.WriteLine(coverage.ToString());
        Assert.True(violation is null, violation?.ToString());
    }

    private static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
            : null;
}
