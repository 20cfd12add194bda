namespace Ingest.Node.Writing.Isolation;

/// <summary>What the refused rows of a batch teach about the next: which searches were worth while, and which
/// would have been.</summary>
internal sealed class Hindsight(RowTrials trials, Suspicions suspicions)
{
    /// <summary>Tells the <see cref="Suspicions"/>, when all rows are either written or rejected.</summary>
    /// <param name="searches">What was looked for, and the rows that it found.</param>
    public void Learn(IReadOnlyList<(Suspicion Suspicion, HashSet<int> Found)> searches)
    {
        var refused = RefusedByKind();
        var all = refused.Values.SelectMany(indexes => indexes).ToHashSet();
        List<Suspicion> useful =
            [.. searches.Where(search => IsUseful(search.Suspicion, search.Found)).Select(search => search.Suspicion)];
        var learned = new List<Suspicion>();
        var untold = 0;
        var unforeseen = refused.Where(entry => trials.IsUnforeseeable(entry.Key))
            .OrderByDescending(entry => entry.Value.Count)
            .ToList();
        foreach (var (kind, indexes) in unforeseen.Take(Suspicions.Most))
        {
            var known = suspicions.RangeOf(kind);
            var searched = searches.FirstOrDefault(search => search.Suspicion == known).Found;
            var found = searched ?? known?.Find(trials.Rows) ?? [];
            var tells = ValueRanges.Tells(indexes, found);
            untold += tells ? indexes.Count(index => !found.Contains(index)) : indexes.Count;
            var range = tells && found.IsSupersetOf(indexes)
                ? known
                : ValueRanges.Learn(kind, trials.Rows, indexes, known);
            // That it tells those rows from which it was learned is no proof: the next batch is.
            if (tells) useful.Add(range ?? known!);
            else if (range is not null) learned.Add(range);
        }

        // Of a trigger that never says the same twice, say. There may be as many kinds as rows.
        untold += unforeseen.Skip(Suspicions.Most).Sum(entry => entry.Value.Count);
        suspicions.Note(useful, learned, isEachToBeTried: untold > RowIsolation.MostFailures);

        // One that suspects good rows costs more than it is worth. Ranges are judged by their own kind's rows.
        bool IsUseful(Suspicion suspicion, HashSet<int> found) =>
            suspicion is ConstraintCheck && found.Count > 0 && 2 * found.Count(all.Contains) >= found.Count;
    }

    private Dictionary<RefusalKind, HashSet<int>> RefusedByKind()
    {
        var refused = new Dictionary<RefusalKind, HashSet<int>>();
        if (trials.Refused.Count == 0) return refused;
        for (var index = 0; index < trials.Rows.Count; index++)
        {
            if (!trials.Refused.TryGetValue(trials.Rows.PlaceOf(index), out var kind)) continue;
            if (!refused.TryGetValue(kind, out var indexes)) refused[kind] = indexes = [];
            indexes.Add(index);
        }

        return refused;
    }
}
