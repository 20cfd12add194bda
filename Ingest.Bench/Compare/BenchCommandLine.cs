using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Ingest.Bench.Compare.Baselines;
using Ingest.Bench.Compare.Ways;
using Ingest.Bench.Growth;
using Ingest.Bench.Micro;
using Ingest.Node.Embedded;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace Ingest.Bench.Compare;

/// <summary>The command <c>bench</c>; its exit code: 0 measured and every goal reached, 1 not so, 2 usage.</summary>
public static class BenchCommandLine
{
    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var quick = new Option<bool>("--quick")
        {
            Description = "One round of short measurements, under three minutes; the group refusals only if named",
        };
        var only = new Option<string[]>("--only") { Description = "Measure this group; may be given more than once" };
        only.AcceptOnlyFromAmong([.. Groups.All.Select(group => group.Name)]);
        var json = new Option<FileInfo?>("--json")
        {
            Description = "Write the results to this file, and the charts beside it",
        };
        var command = new Command(
            "bench", "Measures Ingest beside what one would write by hand, on a server and nodes of its own.")
        {
            quick, only, json,
        };
        command.Subcommands.Add(CreateWays(console, time));
        command.Subcommands.Add(CreateMicro());
        command.Subcommands.Add(GrowthCommandLine.Create(console));
        command.SetAction((parsed, cancellation) => RunAsync(
            console,
            time,
            new BenchOptions { Quick = parsed.GetValue(quick), Only = parsed.GetValue(only) ?? [] },
            parsed.GetValue(json),
            cancellation));
        return command;
    }

    private static Command CreateWays(IAnsiConsole console, TimeProvider time)
    {
        var quick = new Option<bool>("--quick") { Description = "One short round" };
        var json = new Option<FileInfo?>("--json") { Description = "Write the table to this file, a chart beside it" };
        var command = new Command("copy", "Measures the ways to write rows into PostgreSQL, by the size of batches.")
        {
            quick, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new BenchOptions { Quick = parsed.GetValue(quick) };
            var run = new WaysRun(options, time, what => console.WriteLine($"  {what}"));
            var results = await run.RunAsync(cancellation);
            WaysView.Print(console, results);
            if (parsed.GetValue(json) is not { } file) return 0;
            await File.WriteAllTextAsync(file.FullName, WaysRun.ToJson(results), CancellationToken.None);
            await BenchChart.SaveAsync(WaysView.Chart(results), file, "rates", height: 480);
            return 0;
        });
        return command;
    }

    private static Command CreateMicro()
    {
        var command = new Command("micro", "Measures encoder, envelope and batch alone, with their allocations.");
        command.SetAction(_ =>
        {
            // In this process: the usual way would build the solution anew, in a directory of its own.
            var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
            var summaries = BenchmarkSwitcher
                .FromTypes([typeof(EncoderBenchmark), typeof(EnvelopeBenchmark)]).RunAllJoined(config);
            return summaries.HasCriticalValidationErrors ? 1 : 0;
        });
        return command;
    }

    /// <summary>The process of the baselines; started by the benchmark itself.</summary>
    public static Command CreateBaseline(TimeProvider time)
    {
        var port = new Option<int>("--port") { Required = true };
        var grpcPort = new Option<int>("--grpc-port") { Required = true };
        var command = new Command("baseline") { port, grpcPort };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            var postgres = Environment.GetEnvironmentVariable("INGEST_POSTGRES")!;
            await using var server = await BaselineServer.StartAsync(
                parsed.GetValue(port), parsed.GetValue(grpcPort), postgres, "clicks", time, cancellation);
            await server.WaitForShutdownAsync();
            return 0;
        });
        return command;
    }

    private static async Task<int> RunAsync(
        IAnsiConsole console, TimeProvider time, BenchOptions options, FileInfo? json, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux())
        {
            console.WriteLine("The benchmark reads the kernel's accounts of its processes, so it runs on Linux only.");
            return 2;
        }

        try
        {
            var run = new BenchRun(options, time, what => console.WriteLine($"  {time.GetLocalNow():HH:mm:ss} {what}"));
            var report = await run.RunAsync(cancellation);
            BenchView.Print(console, report);
            if (json is not null)
            {
                await File.WriteAllTextAsync(json.FullName, report.ToJson(), CancellationToken.None);
                await BenchChart.WriteAsync(report, json);
            }

            return report.IsMet ? 0 : 1;
        }
        catch (EmbeddedPostgresException e)
        {
            console.WriteLine($"The run cannot begin: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            console.WriteLine("The run was interrupted.");
            return 1;
        }
    }
}
