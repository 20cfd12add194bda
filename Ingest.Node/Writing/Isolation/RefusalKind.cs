using System.Text.RegularExpressions;

namespace Ingest.Node.Writing.Isolation;

/// <summary>What tells one kind of bad row from another.</summary>
/// <param name="Words">Where neither constraint nor column is named (a trigger's error): what is said, less what
/// differs from row to row.</param>
internal sealed partial record RefusalKind(
    string SqlState, string? Schema, string? Table, string? Constraint, string? Column, string? Domain, string? Words)
{
    private const int MostWords = 200;

    public static RefusalKind Of(RowError error) => new(
        error.SqlState, error.Schema, error.Table, error.Constraint, error.Column, error.Domain,
        error is { Constraint: null, Column: null } ? WordsOf(error.Message) : null);

    private static string WordsOf(string message)
    {
        var words = Values().Replace(message, "");
        return words.Length > MostWords ? words[..MostWords] : words;
    }

    [GeneratedRegex("""\d+|"[^"]*"|'[^']*'""", RegexOptions.CultureInvariant)]
    private static partial Regex Values();
}
