using System.Globalization;
using Spectre.Console;

namespace Ingest.Bench.Load;

/// <summary>Shows a running load: a progress bar on a terminal, a line every five seconds elsewhere.</summary>
public sealed class ProgressView(IAnsiConsole console, TimeProvider time)
{
    private static readonly TimeSpan BarPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LinePeriod = TimeSpan.FromSeconds(5);

    private long lastDone;
    private long lastTime;

    /// <summary>Shows the load until the token is cancelled.</summary>
    public Task ShowAsync(LoadRun run, CancellationToken ended)
    {
        lastTime = time.GetTimestamp();
        return console.Profile.Capabilities.Interactive && console.Profile.Out.IsTerminal
            ? ShowBarAsync(run, ended)
            : ShowLinesAsync(run, ended);
    }

    private Task ShowBarAsync(LoadRun run, CancellationToken ended) => console.Progress()
        .AutoClear(true)
        .Columns(
            new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .StartAsync(async context =>
        {
            var task = context.AddTask("connecting", maxValue: Math.Max(1, run.Options.Rows));
            while (await TickAsync(BarPeriod, ended))
            {
                task.Value = run.Tally.Done;
                task.Description = Markup.Escape(Describe(run));
            }
        });

    private async Task ShowLinesAsync(LoadRun run, CancellationToken ended)
    {
        while (await TickAsync(LinePeriod, ended)) console.WriteLine(Describe(run));
    }

    private async Task<bool> TickAsync(TimeSpan period, CancellationToken ended)
    {
        try
        {
            await Task.Delay(period, time, ended);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Rows so far, and rate and latencies since the last look.</summary>
    private string Describe(LoadRun run)
    {
        var (now, done) = (time.GetTimestamp(), run.Tally.Done);
        var rate = (done - lastDone) / Math.Max(time.GetElapsedTime(lastTime, now).TotalSeconds, 1e-3);
        (lastTime, lastDone) = (now, done);
        var recent = run.Latency.TakeRecent();
        var eta = rate > 0 ? TimeSpan.FromSeconds(Math.Ceiling((run.Options.Rows - done) / rate)).ToString("c") : "-";
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{done:N0} rows  {rate:N0}/s  p50 "
                + $"{Units.Duration(recent.P50)}  p99 {Units.Duration(recent.P99)}  eta {eta}");
        return run.Tally.Retried == 0 ? line
            : line + string.Create(CultureInfo.InvariantCulture, $"  retried {run.Tally.Retried:N0}");
    }
}
