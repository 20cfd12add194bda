using System.Globalization;
using Spectre.Console;

namespace Ingest.Bench.Load;

/// <summary>Prints what came of a load.</summary>
public static class SummaryView
{
    public static void Print(IAnsiConsole console, LoadReport report)
    {
        var grid = new Grid().AddColumn().AddColumn(new GridColumn().RightAligned()).AddColumn();
        Row(grid, "sent", report.Sent, "rows");
        Row(grid, "committed", report.Committed, "");
        RowIfAny(grid, "accepted", report.Accepted, "answered with 202");
        Row(grid, "rejected", report.Rejected, "");
        Row(grid, "retried", report.Retried, "times after 429 or 503");
        RowIfAny(grid, "not written", report.NotWritten, "refused until they were given up");
        Row(grid, "unknown", report.Unknown, "answered with 504 or another 5xx, not sent again");
        RowIfAny(grid, "no answer", report.NoAnswer, "their connection ended, not sent again");
        Row(grid, "elapsed", string.Create(CultureInfo.InvariantCulture, $"{report.ElapsedSeconds:N2}"), "s");
        Row(grid, "rate", string.Create(CultureInfo.InvariantCulture, $"{report.RowsPerSecond:N0}"), "rows/s");
        Row(grid, "generator",
            string.Create(CultureInfo.InvariantCulture, $"{report.GeneratorCpuSeconds:N2}"), CpuUnit(report));
        console.Write(grid);
        PrintLatency(console, report.LatencyMicroseconds, report.TargetRate is not null);
        console.WriteLine(CountLine(report.Count));
        if (report.FirstProblem is { } problem) console.WriteLine($"First problem: {problem}");
        if (report.Failure is { } failure) console.WriteLine($"Failed: {failure}");
    }

    /// <summary>One sentence on the comparison with the database.</summary>
    public static string CountLine(RowCountCheck check) => check.Verdict switch
    {
        CountVerdict.Waived => "The count in the database was not wanted.",
        CountVerdict.NotChecked => $"The count in the database was NOT checked: {check.Reason}.",
        _ => string.Create(
            CultureInfo.InvariantCulture,
            $"The database has {check.Added:N0} more rows ({check.Before:N0} before, {check.After:N0} after); "
            + $"the verdicts allow {Allowed(check)}: {Comparison(check.Verdict)}."),
    };

    private static string Comparison(CountVerdict verdict) =>
        verdict == CountVerdict.Matches ? "the count matches" : "THE COUNT DIFFERS";

    private static string Allowed(RowCountCheck check) => check.LeastAdded == check.MostAdded
        ? string.Create(CultureInfo.InvariantCulture, $"{check.LeastAdded:N0}")
        : string.Create(CultureInfo.InvariantCulture, $"{check.LeastAdded:N0} to {check.MostAdded:N0}");

    private static void PrintLatency(IAnsiConsole console, LatencyPercentiles latency, bool isPaced) =>
        console.WriteLine(
            $"Latency{(isPaced ? " from the intended time" : "")}: p50 {Units.Duration(latency.P50)}, "
            + $"p90 {Units.Duration(latency.P90)}, p99 {Units.Duration(latency.P99)}, "
            + $"p99.9 {Units.Duration(latency.P999)}, max {Units.Duration(latency.Max)}");

    private static string CpuUnit(LoadReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"CPU s ({report.GeneratorCpuSeconds * 1e6 / Math.Max(1, report.Sent):N1} µs a row)");

    private static void RowIfAny(Grid grid, string name, long value, string unit)
    {
        if (value != 0) Row(grid, name, value, unit);
    }

    private static void Row(Grid grid, string name, long value, string unit) =>
        Row(grid, name, value.ToString("N0", CultureInfo.InvariantCulture), unit);

    private static void Row(Grid grid, string name, string value, string unit) =>
        grid.AddRow(new Text(name), new Text(value), new Text(unit));
}
