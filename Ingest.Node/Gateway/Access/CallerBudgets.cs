using System.Collections.Concurrent;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// The budgets of all callers, by name. Bounded: where there are too many, those that are idle are forgotten; and if
/// none is, callers that come new share one.
/// </summary>
internal sealed class CallerBudgets(TimeProvider time)
{
    public const int MaxKept = 10_000;

    private readonly ConcurrentDictionary<string, CallerBudget> budgets = new(StringComparer.Ordinal);
    private CallerBudget? shared;

    /// <summary>The budget of a caller; null where it has no limits.</summary>
    public CallerBudget? Of(string name, CallerLimits limits)
    {
        if (!limits.IsAny) return null;
        if (budgets.TryGetValue(name, out var known) && known.Limits == limits) return known;
        if (known is null && budgets.Count >= MaxKept && !Forget())
        {
            if (shared?.Limits != limits) shared = new CallerBudget(limits, time);
            return shared;
        }

        var budget = new CallerBudget(limits, time);
        // Whose limits were changed begins anew; what is in flight leaves the old one.
        return budgets.AddOrUpdate(name, budget, (_, found) => found.Limits == limits ? found : budget);
    }

    private bool Forget()
    {
        foreach (var (name, budget) in budgets)
            if (budget.IsIdle) budgets.TryRemove(name, out _);
        return budgets.Count < MaxKept;
    }
}
