using Ingest.Node.Catalog;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary>Reads table names from URLs, and helps those who mistype them.</summary>
internal static class TableRoute
{
    private const string Prefix = "/tables/";
    private const int MaxCompared = 1_000;
    private const int MaxDistance = 2;
    private const int MaxSuggested = 3;

    /// <summary>The table's name as the caller means it, with every percent-encoding taken off.</summary>
    /// <remarks>The server decodes all but an encoded slash, and leaves no way to tell it from the text "%2F": where a
    /// percent sign is left, the raw target decides.</remarks>
    public static string Of(HttpContext context)
    {
        if (RowRoute.TryRead(context, out var plain)) return plain.ToString();
        var name = (string)context.Request.RouteValues["table"]!;
        if (!name.Contains('%')) return name;
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var start = target.IndexOf(Prefix, StringComparison.OrdinalIgnoreCase);
        if (start < 0) return name;
        var rest = target.AsSpan(start + Prefix.Length);
        var end = rest.IndexOfAny('/', '?', '#');
        return Uri.UnescapeDataString(end < 0 ? rest : rest[..end]);
    }

    public static Problem Unknown(string name, IReadOnlyList<TableDescriptor> tables)
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
