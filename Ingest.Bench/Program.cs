using System.CommandLine;
using System.CommandLine.Help;
using Ingest.Bench.Compare;
using Ingest.Bench.Faults;
using Ingest.Bench.Load;
using Spectre.Console;

namespace Ingest.Bench;

/// <summary>The commands of <c>./ingest</c> that are not the node's: load, faults, benchmarks.</summary>
internal static class Program
{
    /// <summary>
    /// With it, answers are handled on the thread that saw them arrive; a hop to the thread pool for each costs the
    /// load generator 15 % more CPU. Only for what generates load: a client that waits for one answer on the thread
    /// that is to see it, as Npgsql does at the end of a text COPY, waits for ever.
    /// </summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private const int Usage = 2;

    public static async Task<int> Main(string[] args)
    {
        // The runtime reads this once, before the first socket; somebody who sets it has the last word.
        var generatesLoad = args is ["load" or "faults", ..] or ["bench"] or ["bench", ['-', ..], ..];
        if (generatesLoad && Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");

        // A log has no width that lines must be folded to.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160;

        // Help names commands as they are given to the launcher.
        var root = new Command("ingest", "Load generator, benchmarks and fault runs of Ingest.") { new HelpOption() };
        root.Subcommands.Add(LoadCommandLine.Create(AnsiConsole.Console, TimeProvider.System));
        root.Subcommands.Add(FaultsCommandLine.Create(AnsiConsole.Console, TimeProvider.System));
        root.Subcommands.Add(BenchCommandLine.Create(AnsiConsole.Console, TimeProvider.System));
        root.Subcommands.Add(BenchCommandLine.CreateBaseline(TimeProvider.System));
        var parsed = root.Parse(args);
        var hasErrors = parsed.Errors.Count > 0;
        // An interrupted load waits for the answers to what it has sent, and then prints its summary.
        var code = await parsed.InvokeAsync(
            new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) });
        return hasErrors ? Usage : code;
    }
}
