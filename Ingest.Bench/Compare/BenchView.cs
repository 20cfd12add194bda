using System.Globalization;
using Ingest.Bench.Load;
using Spectre.Console;

namespace Ingest.Bench.Compare;

/// <summary>Prints what came of a benchmark.</summary>
internal static class BenchView
{
    public static void Print(IAnsiConsole console, BenchReport report)
    {
        console.WriteLine();
        console.Write(Contenders(report));
        if (report.Ratios.Count > 0) console.Write(Ratios(report));
        if (report.Checks.Count > 0) console.Write(Checks(report));
        foreach (var failure in report.Failures) console.WriteLine($"NOT MEASURED {failure}");
        console.WriteLine(Text($"{report.Machine.Processors} processors, {report.Machine.System}, ")
            + Text($"{report.Machine.Runtime}, PostgreSQL {report.Machine.Postgres}"));
    }

    private static Table Contenders(BenchReport report)
    {
        var table = Plain(
            "", "rows/s", "least", "greatest", "p50", "p99", "server µs", "PostgreSQL µs", "generator µs", "bytes");
        foreach (var contender in report.Contenders)
        {
            var rate = contender.RowsPerSecond;
            var latencies = contender.Samples.Select(sample => sample.LatencyMicroseconds).OfType<LatencyPercentiles>();
            var allocated = contender.Samples.Select(sample => sample.AllocatedBytes).OfType<double>().ToList();
            table.AddRow(
                contender.Name,
                Text($"{rate.Median:N0}"),
                Text($"{rate.Least:N0}"),
                Text($"{rate.Greatest:N0}"),
                Duration(latencies, latency => latency.P50),
                Duration(latencies, latency => latency.P99),
                Median(contender, sample => sample.ServerCpuMicroseconds),
                Median(contender, sample => sample.PostgresCpuMicroseconds),
                Median(contender, sample => sample.GeneratorCpuMicroseconds),
                allocated.Count == 0 ? "" : Text($"{Spread.Of(allocated).Median:N0}"));
        }

        return table;
    }

    private static Table Ratios(BenchReport report)
    {
        var table = Plain("ratio", "median", "least", "greatest", "goal", "");
        foreach (var ratio in report.Ratios)
        {
            table.AddRow(
                $"{ratio.Contender} / {ratio.Baseline}",
                Text($"{ratio.Ratio.Median:N2}"),
                Text($"{ratio.Ratio.Least:N2}"),
                Text($"{ratio.Ratio.Greatest:N2}"),
                Text($"{ratio.Goal:N2}"),
                Word(ratio.IsMet));
        }

        return table;
    }

    private static Table Checks(BenchReport report)
    {
        var table = Plain("figure", "value", "at most", "", "");
        foreach (var check in report.Checks)
            table.AddRow(
                check.Name, Text($"{check.Value:N2}"), Text($"{check.Limit:N0}"), check.Unit, Word(check.IsMet));
        return table;
    }

    private static Table Plain(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Horizontal);
        for (var i = 0; i < columns.Length; i++)
        {
            var column = new TableColumn(Markup.Escape(columns[i]));
            table.AddColumn(i == 0 ? column : column.RightAligned().NoWrap());
        }

        return table;
    }

    private static string Word(bool isMet) => isMet ? "reached" : "MISSED";

    private static string Median(ContenderResult contender, Func<Sample, double> select) =>
        Text($"{Spread.Of(contender.Samples.Select(select)).Median:N1}");

    private static string Duration(IEnumerable<LatencyPercentiles> latencies, Func<LatencyPercentiles, double> select)
    {
        double[] values = [.. latencies.Select(select)];
        return values.Length == 0 ? "" : Units.Duration(Spread.Of(values).Median);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
