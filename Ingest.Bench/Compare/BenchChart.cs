using Ingest.Bench.Load;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Ingest.Bench.Compare;

/// <summary>Draws what was measured, as SVG files beside the JSON: <c>NAME-throughput.svg</c> and
/// <c>NAME-latency.svg</c>.</summary>
internal static class BenchChart
{
    private const double Width = 900;
    private const double RowHeight = 26;
    private const double Frame = 130;

    private static readonly OxyColor Own = OxyColor.FromRgb(0x2f, 0x6f, 0xde);
    private static readonly OxyColor Other = OxyColor.FromRgb(0x9a, 0xa4, 0xb2);

    public static async Task WriteAsync(BenchReport report, FileInfo json)
    {
        await SaveAsync(Throughput(report), json, "throughput", (report.Contenders.Count * RowHeight) + Frame);
        await SaveAsync(Latency(report), json, "latency", height: 480);
    }

    /// <summary>Saves a plot beside the results.</summary>
    public static Task SaveAsync(PlotModel plot, FileInfo json, string name, double height)
    {
        var path = Path.Combine(
            json.DirectoryName!, $"{Path.GetFileNameWithoutExtension(json.Name)}-{name}.svg");
        plot.Background = OxyColors.White;
        // The exporter measures text as if it were Helvetica.
        plot.DefaultFont = "Helvetica, Arial, sans-serif";
        plot.PlotMargins = new OxyThickness(140, double.NaN, double.NaN, double.NaN);
        var exporter = new SvgExporter { Width = Width, Height = height };
        return File.WriteAllTextAsync(path, exporter.ExportToString(plot));
    }

    public static Legend Legend() => new()
    {
        LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.RightTop, LegendPadding = 24,
    };

    private static PlotModel Throughput(BenchReport report)
    {
        var plot = new PlotModel { Title = "Rows per second (median; the line is least to greatest)" };
        // The axis counts from the bottom, people from the top.
        var contenders = report.Contenders.Reverse().ToList();
        plot.Axes.Add(new CategoryAxis
        {
            Position = AxisPosition.Left,
            ItemsSource = contenders.Select(contender => contender.Name).ToList(),
        });
        plot.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom, Minimum = 0, StringFormat = "#,0", MajorGridlineStyle = LineStyle.Dot,
        });
        var bars = new ErrorBarSeries { ErrorStrokeThickness = 1 };
        foreach (var contender in contenders)
        {
            var rate = contender.RowsPerSecond;
            bars.Items.Add(new ErrorBarItem
            {
                Value = rate.Median,
                Error = Math.Max(rate.Greatest - rate.Median, rate.Median - rate.Least),
                Color = contender.IsBaseline ? Other : Own,
            });
        }

        plot.Series.Add(bars);
        return plot;
    }

    private static PlotModel Latency(BenchReport report)
    {
        var plot = new PlotModel { Title = "Latency in milliseconds by percentile" };
        plot.Legends.Add(Legend());
        string[] percentiles = ["50", "90", "99", "99.9"];
        plot.Axes.Add(new CategoryAxis { Position = AxisPosition.Bottom, ItemsSource = percentiles });
        plot.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Left, MajorGridlineStyle = LineStyle.Dot, StringFormat = "0.###",
        });
        foreach (var contender in report.Contenders)
        {
            LatencyPercentiles[] samples =
                [.. contender.Samples.Select(sample => sample.LatencyMicroseconds).OfType<LatencyPercentiles>()];
            if (samples.Length == 0) continue;
            var line = new LineSeries { Title = contender.Name, MarkerType = MarkerType.Circle, MarkerSize = 3 };
            Func<LatencyPercentiles, double>[] reads = [l => l.P50, l => l.P90, l => l.P99, l => l.P999];
            for (var i = 0; i < reads.Length; i++)
                line.Points.Add(new DataPoint(i, Spread.Of(samples.Select(reads[i])).Median / 1_000));
            plot.Series.Add(line);
        }

        return plot;
    }
}
