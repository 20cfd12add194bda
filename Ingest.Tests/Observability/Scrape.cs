using System.Globalization;
using System.Text.RegularExpressions;

namespace Ingest.Tests.Observability;

/// <summary>What <c>/metrics</c> said at one moment, as Prometheus reads it.</summary>
internal sealed partial class Scrape
{
    private readonly List<(string Name, string Labels, double Value)> samples = [];

    private Scrape(string text)
    {
        foreach (Match match in Sample().Matches(text))
        {
            samples.Add((
                match.Groups["name"].Value,
                match.Groups["labels"].Value,
                double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture)));
        }
    }

    public static async Task<Scrape> OfAsync(HttpClient client) =>
        new(await client.GetStringAsync(new Uri("/metrics", UriKind.Relative)));

    /// <summary>The sum of the samples of a metric that have all of these labels; 0 where there is none.</summary>
    public long Sum(string name, params (string Label, string Value)[] labels) => (long)samples
        .Where(sample => sample.Name == name
            && labels.All(
                label => sample.Labels.Contains($"{label.Label}=\"{label.Value}\"", StringComparison.Ordinal)))
        .Sum(sample => sample.Value);

    public bool Has(string name) => samples.Any(sample => sample.Name.StartsWith(name, StringComparison.Ordinal));

    [GeneratedRegex("""^(?<name>\w+)(\{(?<labels>[^\n]*)\})? (?<value>[^ \n]+)""", RegexOptions.Multiline)]
    private static partial Regex Sample();
}
