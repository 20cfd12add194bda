namespace Ingest.Node.Writing.Isolation;

/// <summary>The rows of a batch that are likely to be refused, by index, and what speaks against them.</summary>
internal sealed class Suspects(RowTrials trials, Suspicions suspicions)
{
    private readonly HashSet<int> indexes = [];
    private readonly List<(Suspicion Suspicion, HashSet<int> Found)> searches = [];

    public IReadOnlySet<int> Indexes => indexes;

    /// <summary>What was looked for, and the rows that it found.</summary>
    public IReadOnlyList<(Suspicion Suspicion, HashSet<int> Found)> Searches => searches;

    /// <summary>Suspects rows for no reason that is to be remembered.</summary>
    public void Add(IEnumerable<int> rows) => indexes.UnionWith(rows);

    /// <summary>Looks for what keeps coming.</summary>
    public async Task FindStrongAsync()
    {
        foreach (var suspicion in suspicions.Strong) await FindAsync(suspicion);
    }

    /// <summary>Looks for rows that would be refused for what others were refused for.</summary>
    /// <returns>False where the failure teaches nothing new.</returns>
    public async Task<bool> LearnAsync(CopyFailedException failure)
    {
        var kind = RefusalKind.Of(RowError.Of(failure.Error));
        if (!ConstraintCheck.IsFor(kind)) return false;
        foreach (var check in await trials.FindChecksAsync(kind))
        {
            if (searches.Count == Suspicions.Most) return false;
            var isNew = searches.All(search => !search.Suspicion.Identity.Equals(check.Identity));
            if (isNew && await FindAsync(check)) return true;
        }

        return false;
    }

    private async Task<bool> FindAsync(Suspicion suspicion)
    {
        var found = await trials.FindAsync(suspicion);
        if (found is null) suspicions.Forget(suspicion);
        if (found is null) return false;
        searches.Add((suspicion, found));
        indexes.UnionWith(found);
        return found.Count > 0;
    }
}
