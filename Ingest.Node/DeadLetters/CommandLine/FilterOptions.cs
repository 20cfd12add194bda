using System.CommandLine;
using System.CommandLine.Parsing;

namespace Ingest.Node.DeadLetters.CommandLine;

/// <summary>The options of a command that filter letters: those of the HTTP surface, by the same names.</summary>
internal sealed class FilterOptions
{
    private readonly (string Parameter, Option<string?> Option)[] options =
    [
        Filter("table", "--table", "Of this table"),
        Filter("sqlstate", "--sqlstate", "With this SQLSTATE"),
        Filter("constraint", "--constraint", "That violate this constraint"),
        Filter("column", "--column", "Where this column is at fault"),
        Filter("rowId", "--row-id", "Of the row with this id"),
        Filter("idempotencyKey", "--idempotency-key", "Of the row or stream with this key"),
        Filter("since", "--since", "Refused at this time (ISO 8601, UTC) or later"),
        Filter("until", "--until", "Refused before this time"),
    ];

    public void AddTo(Command command)
    {
        foreach (var (_, option) in options) command.Options.Add(option);
    }

    public bool IsGiven(CommandResult result) => options.Any(filter => result.GetResult(filter.Option) is not null);

    /// <summary>The query string; empty where no filter is given.</summary>
    public string Read(ParseResult parsed)
    {
        var given = options
            .Where(filter => parsed.GetValue(filter.Option) is not null)
            .Select(filter => $"{filter.Parameter}={Uri.EscapeDataString(parsed.GetValue(filter.Option)!)}");
        var query = string.Join('&', given);
        return query.Length == 0 ? "" : $"?{query}";
    }

    private static (string, Option<string?>) Filter(string parameter, string name, string description) =>
        (parameter, new Option<string?>(name) { Description = description });
}
