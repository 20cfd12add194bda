using System.CommandLine;
using Ingest.Node.Embedded;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace Ingest.Bench.Faults;

/// <summary>The command <c>faults</c>; its exit code: 0 every promise held, 1 one was broken, 2 usage.</summary>
public static class FaultsCommandLine
{
    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var @short = new Option<bool>("--short") { Description = "Short outages, and nodes given up on after 2 s" };
        var only = new Option<string[]>("--only") { Description = "Run this scenario; may be given more than once" };
        only.AcceptOnlyFromAmong([.. Scenarios.All.Select(scenario => scenario.Name)]);
        var json = new Option<FileInfo?>("--json") { Description = "Write the results to this file" };
        var keep = new Option<bool>("--keep-logs") { Description = "Keep the directory with the nodes' logs" };
        var backlog = new Option<int?>("--backlog") { Description = "Rows of the scenario backlog (300,000)" };
        var command = new Command(
            "faults", "Breaks a cluster of its own in many ways under load, and checks what became of every row.")
        {
            @short, only, backlog, json, keep,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var options = new FaultOptions
            {
                Short = parsed.GetValue(@short),
                Backlog = parsed.GetValue(backlog),
                KeepLogs = parsed.GetValue(keep),
            };
            var names = parsed.GetValue(only) is { Length: > 0 } given ? given : null;
            var chosen = Scenarios.All.Where(scenario => names is null || names.Contains(scenario.Name)).ToList();
            return RunAsync(console, time, options, chosen, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        IAnsiConsole console, TimeProvider time, FaultOptions options, List<Scenario> scenarios, FileInfo? json,
        CancellationToken cancellation)
    {
        if (OperatingSystem.IsWindows())
        {
            console.WriteLine("Fault runs need signals, which Windows does not have.");
            return 2;
        }

        var results = new List<FaultResult>();
        try
        {
            await using var run = new FaultRun(
                options, time, what => console.WriteLine($"  {time.GetLocalNow():HH:mm:ss} {what}"));
            if (options.KeepLogs) console.WriteLine($"Logs: {run.Directory}");
            foreach (var scenario in scenarios)
            {
                console.WriteLine($"{scenario.Name}: {scenario.Title}");
                results.Add(await run.RunAsync(scenario, cancellation));
            }
        }
        catch (EmbeddedPostgresException e)
        {
            console.WriteLine($"The run cannot begin: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            console.WriteLine("The run was interrupted.");
        }

        FaultView.Print(console, results);
        if (json is not null)
            await File.WriteAllTextAsync(json.FullName, FaultResult.ToJson(results), CancellationToken.None);
        return results.Count == scenarios.Count && results.TrueForAll(result => result.Passed) ? 0 : 1;
    }
}
