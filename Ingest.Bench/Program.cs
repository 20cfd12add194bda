using System.CommandLine;
using Ingest.Bench.Faults;
using Ingest.Bench.Load;
using Spectre.Console;

// Answers are handled on the thread that saw them arrive; a hop to the thread pool for each costs 15 % more CPU.
// The runtime reads this once, before the first socket; somebody who sets it has the last word.
const string inlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(inlineCompletions) is null)
    Environment.SetEnvironmentVariable(inlineCompletions, "1");

// A log has no width that lines must be folded to.
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160;

const int usage = 2;
var root = new RootCommand("Load generator and fault runs of Ingest.");
root.Subcommands.Add(LoadCommandLine.Create(AnsiConsole.Console, TimeProvider.System));
root.Subcommands.Add(FaultsCommandLine.Create(AnsiConsole.Console, TimeProvider.System));
var parsed = root.Parse(args);
var hasErrors = parsed.Errors.Count > 0;
// An interrupted load waits for the answers to what it has sent, and then prints its summary.
var code = await parsed.InvokeAsync(
    new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) });
return hasErrors ? usage : code;
