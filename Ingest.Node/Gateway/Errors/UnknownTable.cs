using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Errors;

/// <summary>The problem of a table that is not there, which helps those who mistype a name.</summary>
internal static class UnknownTable
{
    private const int MaxCompared = 1_000;
    private const int MaxDistance = 2;
    private const int MaxSuggested = 3;

    /// <param name="tables">Those that the caller may see, and so may have meant.</param>
    public static Problem Of(string name, IReadOnlyList<TableDescriptor> tables)
    {
        var close = Close(name, tables);
        var hint = close.Count == 0 ? "" : $" Did you mean {string.Join(" or ", close)}?";
        return new Problem(
            StatusCodes.Status404NotFound,
            ProblemTypes.TableUnknown,
            $"There is no table '{name}' that this service may write to.{hint} GET /v1/tables lists those there are.");
    }

    private static List<string> Close(string name, IReadOnlyList<TableDescriptor> tables) => tables
        .Take(MaxCompared)
        .Where(table => Math.Abs(table.Name.Length - name.Length) <= MaxDistance || table.Table == name)
        .Select(table => (table.Name, Distance: table.Table == name ? 0 : Distance(table.Name, name)))
        .Where(candidate => candidate.Distance <= MaxDistance)
        .OrderBy(candidate => candidate.Distance)
        .Take(MaxSuggested)
        .Select(candidate => candidate.Name)
        .ToList();

    /// <summary>The number of insertions, deletions and substitutions between two names (Levenshtein).</summary>
    private static int Distance(string left, string right)
    {
        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        var current = new int[right.Length + 1];
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var substituted = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                current[j] = Math.Min(substituted, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
