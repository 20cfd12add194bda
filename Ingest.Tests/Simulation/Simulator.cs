using System.Globalization;

namespace Ingest.Tests.Simulation;

/// <summary>A seed that went wrong, and its story.</summary>
internal sealed record Violation(int Seed, string What, IReadOnlyList<string> Story)
{
    private const int Lines = 200;

    /// <summary>Writes the whole story to a file.</summary>
    /// <returns>The file.</returns>
    public string Save()
    {
        var file = Path.Combine(Path.GetTempPath(), $"ingest-simulation-{Seed}.log");
        File.WriteAllLines(file, Story);
        return file;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        Seed {Seed}: {What}
        To run it again: INGEST_SIMULATION_SEED={Seed}
        The last of {Story.Count} events; all are in {Save()}:
        {string.Join('\n', Story.TakeLast(Lines))}
        """);
}

/// <summary>Runs seeds, on threads that own everything that they touch.</summary>
internal static class Simulator
{
    // Actors that tell each other something run inside one another.
    private const int StackBytes = 16 << 20;

    /// <summary>Runs seeds from <paramref name="first"/> on.</summary>
    /// <returns>The violation with the lowest seed; null where there is none.</returns>
    public static Violation? Run(int first, int count, Sabotage sabotage, Coverage coverage)
    {
        var threads = Math.Clamp(Environment.ProcessorCount, 1, 4);
        var search = new Search(first + count, sabotage, coverage);
        var workers = Enumerable.Range(0, threads)
            .Select(worker => new Thread(() => search.Run(first + worker, threads), StackBytes)).ToList();
        workers.ForEach(worker => worker.Start());
        workers.ForEach(worker => worker.Join());
        return search.Found;
    }

    /// <summary>The story of one seed, and its violation if any.</summary>
    public static (IReadOnlyList<string> Story, string? Violation) Tell(int seed, Sabotage sabotage = Sabotage.None)
    {
        (IReadOnlyList<string>, string?) told = default;
        var thread = new Thread(
            () =>
            {
                using var system = new SimulatedSystem();
                told = RunOne(system, seed, sabotage, new Coverage(), keepLog: true);
            },
            StackBytes);
        thread.Start();
        thread.Join();
        return told;
    }

    private static (IReadOnlyList<string> Story, string? Violation) RunOne(
        SimulatedSystem system, int seed, Sabotage sabotage, Coverage coverage, bool keepLog)
    {
        using var simulation = new Simulation(system, seed, sabotage, coverage, keepLog);
        var violation = new Driver(simulation).Run();
        return (simulation.Log.Lines, violation);
    }

    /// <summary>The seeds before <paramref name="end"/>, until one is found that goes wrong.</summary>
    private sealed class Search(int end, Sabotage sabotage, Coverage coverage)
    {
        private readonly Lock sync = new();

        /// <summary>Of those that went wrong, the one with the lowest seed.</summary>
        public Violation? Found { get; private set; }

        public void Run(int first, int stride)
        {
            using var system = new SimulatedSystem();
            for (var seed = first; seed < Math.Min(end, Found?.Seed ?? end); seed += stride)
            {
                if (RunOne(system, seed, sabotage, coverage, keepLog: false).Violation is not { } violation) continue;
                var story = RunOne(system, seed, sabotage, new Coverage(), keepLog: true).Story;
                lock (sync)
                    if (Found is null || Found.Seed > seed) Found = new Violation(seed, violation, story);
            }
        }
    }
}
