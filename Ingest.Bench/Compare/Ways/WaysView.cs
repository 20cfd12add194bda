using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using Spectre.Console;

namespace Ingest.Bench.Compare.Ways;

/// <summary>The table of ways and sizes, and its chart.</summary>
internal static class WaysView
{
    public static void Print(IAnsiConsole console, IReadOnlyList<WayResult> results)
    {
        int[] sizes = [.. results.Select(result => result.BatchRows).Distinct().Order()];
        var table = new Table().Border(TableBorder.Horizontal);
        table.AddColumn("rows/s (client CPU, µs a row)");
        foreach (var size in sizes) table.AddColumn(new TableColumn(Number(size)).RightAligned().NoWrap());
        foreach (var way in WaysRun.All)
        {
            table.AddRow(
            [
                way.Name,
                .. sizes.Select(size => results.FirstOrDefault(
                    result => result.Way == way.Name && result.BatchRows == size)
                    is { } found
                        ? Number(found.RowsPerSecond.Median)
                            + $" ({found.ClientCpuMicroseconds.ToString("N1", CultureInfo.InvariantCulture)})"
                        : ""),
            ]);
        }

        console.WriteLine();
        console.Write(table);
        foreach (var copy in (string[])[CopyWays.Binary.Name, CopyWays.Text.Name])
        {
            var from = WaysRun.CrossOver(results, copy, InsertWays.Unnest.Name);
            console.WriteLine(from is { } size
                ? $"{copy} beats {InsertWays.Unnest.Name} from batches of {Number(size)} on."
                : $"{copy} does not beat {InsertWays.Unnest.Name} at the largest batches.");
        }
    }

    /// <summary>Rows per second over rows in a batch, both logarithmic.</summary>
    public static PlotModel Chart(IReadOnlyList<WayResult> results)
    {
        var plot = new PlotModel { Title = "Rows per second over rows in a batch, one connection" };
        plot.Legends.Add(BenchChart.Legend());
        plot.Axes.Add(new LogarithmicAxis { Position = AxisPosition.Bottom, StringFormat = "#,0" });
        plot.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Left, StringFormat = "#,0", MajorGridlineStyle = LineStyle.Dot,
        });
        foreach (var way in results.GroupBy(result => result.Way))
        {
            var line = new LineSeries { Title = way.Key, MarkerType = MarkerType.Circle, MarkerSize = 3 };
            foreach (var result in way) line.Points.Add(new DataPoint(result.BatchRows, result.RowsPerSecond.Median));
            plot.Series.Add(line);
        }

        return plot;
    }

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
