using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ingest.Tests.Node;

namespace Ingest.Tests.Observability;

/// <summary>What is shipped for Prometheus and Grafana names figures and labels that a node has.</summary>
[Collection(nameof(Alone))]
public sealed partial class ShippedFilesTests(ShippedFilesTests.Fixture fixture)
    : IClassFixture<ShippedFilesTests.Fixture>
{
    /// <summary>Labels that Prometheus adds, and that a figure has only once something has gone wrong.</summary>
    private static readonly string[] OtherLabels = ["instance", "job", "le", "ingest_event"];

    public static TheoryData<string, string> Queries
    {
        get
        {
            var queries = new TheoryData<string, string>();
            var docker = Path.Combine(SourceTree.Root, "docker");
            foreach (Match rule in Rule().Matches(File.ReadAllText(Path.Combine(docker, "prometheus", "alerts.yml"))))
                queries.Add(rule.Groups["name"].Value, rule.Groups["query"].Value);
            var board = JsonNode.Parse(File.ReadAllText(Path.Combine(docker, "grafana", "dashboards", "ingest.json")))!;
            foreach (var panel in board["panels"]!.AsArray().Where(panel => panel!["targets"] is not null))
                foreach (var target in panel!["targets"]!.AsArray())
                    queries.Add(panel["title"]!.GetValue<string>(), target!["expr"]!.GetValue<string>());
            return queries;
        }
    }

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task Should_name_figures_and_labels_that_there_are(string name, string query)
    {
        var scrape = await fixture.ScrapeAsync();

        var bare = Matchers().Replace(query, "");
        var labels = Grouping().Matches(bare).SelectMany(match => match.Groups["labels"].Value.Split(','))
            .Concat(Label().Matches(string.Concat(Matchers().Matches(query))).Select(match => match.Value));
        var figures = Figure().Matches(Grouping().Replace(bare, "")).Select(match => match.Value).ToArray();

        Assert.NotEmpty(figures);
        Assert.All(figures, figure => Assert.True(
            figure == "up" || scrape.Figures.Contains(Suffix().Replace(figure, "")) || scrape.Figures.Contains(figure),
            $"{name}: there is no figure {figure}"));
        Assert.All(labels.Select(label => label.Trim()), label => Assert.True(
            OtherLabels.Contains(label) || scrape.Text.Contains($"{label}=\"", StringComparison.Ordinal),
            $"{name}: there is no label {label}"));
    }

    [GeneratedRegex(@"alert: (?<name>\w+)\s+expr:(?<query>.*?)\n +(for|labels):", RegexOptions.Singleline)]
    private static partial Regex Rule();

    [GeneratedRegex(@"\{[^}]*\}|""[^""]*""")]
    private static partial Regex Matchers();

    [GeneratedRegex(@"\bby \((?<labels>[^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"\w+(?==|!=)")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(up|(ingest|http|db|dotnet|kestrel|process)_\w+)\b")]
    private static partial Regex Figure();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    public sealed class Fixture() : NodeFixture("CREATE TABLE clicks(id uuid PRIMARY KEY, url text NOT NULL)")
    {
        private (string Text, HashSet<string> Figures)? scraped;

        /// <summary>What <c>/metrics</c> says once rows were written and refused, and the figures that would be there
        /// if more had happened.</summary>
        public async Task<(string Text, HashSet<string> Figures)> ScrapeAsync()
        {
            if (scraped is { } before) return before;
            await Node.PostAsync("clicks", """{"url":"u"}""");
            await Node.PostAsync("clicks", "{}");
            // A connection is counted when its request has ended.
            var text = await Node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            var figures = text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
                .Select(line => line.Split(' ')[2]).ToHashSet();
            figures.UnionWith(Instruments());
            scraped = (text, figures);
            return (text, figures);
        }

        /// <summary>The counters of the meter, which have a stream only once they have counted, by the names that
        /// Prometheus gives them.</summary>
        private static List<string> Instruments()
        {
            var names = new List<string>();
            using var listener = new MeterListener
            {
                InstrumentPublished = (instrument, _) =>
                {
                    if (instrument.Meter.Name == "Ingest" && instrument.GetType().Name.Contains("ObservableCounter"))
                        names.Add(instrument.Name.Replace('.', '_') + "_total");
                },
            };
            listener.Start();
            return names;
        }
    }
}
