using System.Runtime.InteropServices;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Compare;

/// <summary>
/// Measures groups of contenders. Within a group they take turns, round by round, and a ratio is taken within a round:
/// what else happens on the machine then strikes both.
/// </summary>
internal sealed class BenchRun(BenchOptions options, TimeProvider time, Action<string> say)
{
    private readonly List<ContenderResult> contenders = [];
    private readonly List<RatioResult> ratios = [];
    private readonly List<Check> checks = [];
    private readonly List<string> failures = [];

    public async Task<BenchReport> RunAsync(CancellationToken cancellation)
    {
        await using var stage = await BenchStage.StartAsync(options, time, cancellation);
        foreach (var (name, makeAsync) in Groups.All)
        {
            if (!options.Includes(name)) continue;
            try
            {
                await MeasureAsync(await makeAsync(stage), cancellation);
            }
            catch (RunException e)
            {
                failures.Add($"{name}: {e.Message}");
                say(failures[^1]);
            }
        }

        return new BenchReport
        {
            At = time.GetUtcNow(),
            Machine = await DescribeAsync(stage),
            Quick = options.Quick,
            Contenders = contenders,
            Ratios = ratios,
            Checks = checks,
            Failures = failures,
        };
    }

    private async Task MeasureAsync(Group group, CancellationToken cancellation)
    {
        var samples = group.Contenders.ToDictionary(contender => contender.Name, _ => new List<Sample>());
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var contender in group.Contenders)
            {
                var warmUp = round == 0 ? options.FirstWarmUp : options.WarmUp;
                var sample = await contender.MeasureAsync(warmUp, cancellation);
                samples[contender.Name].Add(sample);
                say($"{group.Name} {round + 1}/{options.Rounds} {contender.Name}: {sample.RowsPerSecond:N0} rows/s");
            }
        }

        contenders.AddRange(group.Contenders.Select(contender =>
            new ContenderResult(
                group.Name, contender.Name, contender.Title, contender.IsBaseline, samples[contender.Name])));
        ratios.AddRange(group.Goals.Select(goal => new RatioResult(
            goal.Contender,
            goal.Baseline,
            goal.AtLeast,
            Spread.Of(samples[goal.Contender].Zip(
                samples[goal.Baseline], (own, other) => own.RowsPerSecond / other.RowsPerSecond)))));
        checks.AddRange(group.Checks(samples));
    }

    private static async Task<MachineFacts> DescribeAsync(BenchStage stage)
    {
        await using var version = stage.Postgres.Source.CreateCommand("SHOW server_version");
        return new MachineFacts(
            Environment.ProcessorCount,
            RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription,
            (string)(await version.ExecuteScalarAsync())!);
    }
}
