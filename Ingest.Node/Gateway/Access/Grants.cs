using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// What somebody was allowed, as scopes on tables: <c>write:clicks</c>, <c>write:sales.*</c>, <c>administer:*</c>. A
/// table goes by the name that it is served by; a star at the end stands for any rest.
/// </summary>
internal sealed class Grants
{
    public static readonly Grants None = new([]);

    private readonly ImmutableArray<Grant> all;
    private readonly Scope anywhere;

    private Grants(ImmutableArray<Grant> all)
    {
        this.all = all;
        foreach (var grant in all) anywhere |= grant.Scope;
    }

    /// <summary>Reads grants.</summary>
    /// <param name="malformed">The first text that is no grant.</param>
    public static bool TryParse(
        IEnumerable<string> texts, out Grants grants, [NotNullWhen(false)] out string? malformed)
    {
        grants = None;
        malformed = null;
        var read = ImmutableArray.CreateBuilder<Grant>();
        foreach (var text in texts)
        {
            if (Grant.Parse(text) is not { } grant)
            {
                malformed = text;
                return false;
            }

            read.Add(grant);
        }

        grants = new Grants(read.ToImmutable());
        return true;
    }

    /// <summary>Reads the grants among texts of which others may mean something to somebody else.</summary>
    public static Grants Among(IEnumerable<string> texts) =>
        new([.. texts.Select(Grant.Parse).OfType<Grant>()]);

    /// <summary>Whether one of <paramref name="scopes"/> is granted for some table.</summary>
    public bool Hold(Scope scopes) => (anywhere & (scopes | Scope.Administer)) != 0;

    /// <summary>Whether one of <paramref name="scopes"/> is granted for a table.</summary>
    /// <param name="table">The name that the table is served by.</param>
    public bool Allow(Scope scopes, string table)
    {
        var wanted = scopes | Scope.Administer;
        foreach (var grant in all)
            if ((grant.Scope & wanted) != 0 && grant.Covers(table)) return true;
        return false;
    }

    private sealed record Grant(Scope Scope, string Name, bool IsPrefix)
    {
        public static Grant? Parse(string text)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || colon == text.Length - 1) return null;
            if (Scopes.Find(text.AsSpan(0, colon)) is not { } scope) return null;
            var isPrefix = text[^1] == '*';
            return new Grant(scope, isPrefix ? text[(colon + 1)..^1] : text[(colon + 1)..], isPrefix);
        }

        public bool Covers(string table) =>
            IsPrefix ? table.StartsWith(Name, StringComparison.Ordinal) : table.Equals(Name, StringComparison.Ordinal);
    }
}
