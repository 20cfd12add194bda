using System.Collections.Immutable;

namespace Ingest.Node.Gateway.Access;

/// <summary>What a caller may do with a table. Values can be joined by <c>|</c>: any of them will do.</summary>
[Flags]
internal enum Scope
{
    /// <summary>Create rows.</summary>
    Write = 1,

    /// <summary>List and read dead letters.</summary>
    ReadDeadLetters = 2,

    /// <summary>Edit, replay and discard dead letters, and whatever the other scopes allow.</summary>
    Administer = 4,

    /// <summary>Read figures: metrics, dashboard, cluster. Nothing of a row's data.</summary>
    Observe = 8,

    /// <summary>Whoever may do anything at all.</summary>
    Any = Write | ReadDeadLetters | Administer | Observe,
}

/// <summary>The scopes' names, as grants and answers have them.</summary>
internal static class Scopes
{
    private static readonly ImmutableArray<(Scope Scope, string Name)> Names =
    [
        (Scope.Write, "write"),
        (Scope.ReadDeadLetters, "read-dead-letters"),
        (Scope.Administer, "administer"),
        (Scope.Observe, "observe"),
    ];

    /// <summary>The scope of a name; null where there is none.</summary>
    public static Scope? Find(ReadOnlySpan<char> name)
    {
        foreach (var (scope, known) in Names)
            if (name.SequenceEqual(known)) return scope;
        return null;
    }

    /// <summary>Names, separated by spaces as in <c>WWW-Authenticate</c> (RFC 6750, section 3).</summary>
    public static string NamesOf(Scope scopes) =>
        string.Join(' ', Names.Where(one => scopes.HasFlag(one.Scope)).Select(one => one.Name));
}
