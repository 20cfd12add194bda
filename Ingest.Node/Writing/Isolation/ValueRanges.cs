using System.Collections.Immutable;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// What refused rows have in common where nothing says why they were refused (a trigger, a generated column, a policy):
/// one column whose values, or their lengths, lie in a few ranges in which hardly any good row's do. Learned from rows
/// that were refused beside rows that were not: a rule of one column (R. C. Holte, "Very simple classification rules
/// perform well on most commonly used datasets", Machine Learning 11, 1993).
/// </summary>
/// <param name="Measure">The column, and what of it counts.</param>
/// <param name="Ranges">In ascending order, apart from one another; both bounds belong to them.</param>
internal sealed record ValueRanges(
    RefusalKind Kind, FieldMeasure Measure, ImmutableArray<(ulong Low, ulong High)> Ranges)
    : Suspicion(Kind)
{
    /// <summary>Fewer rows have something in common by accident. One more range has to spare as many others.</summary>
    public const int LeastRefused = 4;

    public const int MostRanges = 64;

    /// <summary>There is one for a kind of refusal.</summary>
    public override object Identity => Kind;

    /// <summary>The rows in the ranges, by index.</summary>
    public HashSet<int> Find(BatchRows rows) =>
        [.. Measure.Of(rows).Index().Where(row => RangeAt(row.Item) >= 0).Select(row => row.Index)];

    /// <summary>Whether it tells rows that were refused from others: it has at least half of them, and no more
    /// others.</summary>
    /// <param name="found">The rows that it suspects.</param>
    public static bool Tells(IReadOnlySet<int> refused, HashSet<int> found)
    {
        var right = 2 * found.Count(refused.Contains);
        return right >= found.Count && right >= refused.Count;
    }

    /// <summary>Learns what rows have in common that were refused for one reason.</summary>
    /// <param name="refused">They, by index.</param>
    /// <param name="known">What was learned before of the same kind; null: nothing.</param>
    /// <returns>null where no column tells them from others.</returns>
    public static ValueRanges? Learn(RefusalKind kind, BatchRows rows, IReadOnlySet<int> refused, ValueRanges? known)
    {
        if (refused.Count < LeastRefused) return null;
        ValueRanges? best = null;
        var limit = refused.Count + 1;
        foreach (var measure in FieldMeasure.AllOf(rows))
        {
            if (Separate(rows, measure, refused, limit) is not var (ranges, cost)) continue;
            (best, limit) = (new ValueRanges(kind, measure, ranges), cost);
            if (limit == 0) break;
        }

        return best is not null && best.Measure == known?.Measure ? best.JoinedTo(known, rows, refused) : best;
    }

    /// <summary>The ranges that hold the refused rows' values, each widened halfway to the nearest other one.</summary>
    /// <param name="limit">The cost from which on they are useless: 1 for each other row in them, and
    /// <see cref="LeastRefused"/> for each range but the first.</param>
    private static (ImmutableArray<(ulong Low, ulong High)> Ranges, int Cost)? Separate(
        BatchRows rows, FieldMeasure measure, IReadOnlySet<int> refused, int limit)
    {
        var bad = refused.Select(index => measure.Of(rows, index)).Distinct().Order().ToArray();
        var gaps = new Gap[bad.Length + 1];
        var cost = 0;
        foreach (var (index, value) in measure.Of(rows).Index())
        {
            if (refused.Contains(index)) continue;
            var place = Array.BinarySearch(bad, value);
            var gap = ~place;
            if (place >= 0) cost++;
            else if (gaps[gap].Add(value) <= LeastRefused && gap > 0 && gap < bad.Length) cost++;
            if (cost >= limit) return null;
        }

        var ranges = ImmutableArray.CreateBuilder<(ulong Low, ulong High)>();
        var low = gaps[0].LowFor(bad[0]);
        for (var place = 1; place < bad.Length; place++)
        {
            if (gaps[place].Others < LeastRefused) continue;
            ranges.Add((low, gaps[place].HighFor(bad[place - 1])));
            low = gaps[place].LowFor(bad[place]);
        }

        ranges.Add((low, gaps[^1].HighFor(bad[^1])));
        return ranges.Count <= MostRanges ? (ranges.DrainToImmutable(), cost) : null;
    }

    /// <summary>What was learned before counts too, where it is not contradicted by more rows than speak for
    /// it.</summary>
    private ValueRanges JoinedTo(ValueRanges known, BatchRows rows, IReadOnlySet<int> refused)
    {
        var votes = new int[known.Ranges.Length];
        foreach (var (index, value) in Measure.Of(rows).Index())
            if (known.RangeAt(value) is >= 0 and var range) votes[range] += refused.Contains(index) ? 1 : -1;
        var joined = ImmutableArray.CreateBuilder<(ulong Low, ulong High)>();
        foreach (var range in Ranges.Concat(known.Ranges.Where((_, place) => votes[place] >= 0)).Order())
        {
            if (joined.Count > 0 && joined[^1].High >= range.Low)
                joined[^1] = (joined[^1].Low, Math.Max(joined[^1].High, range.High));
            else joined.Add(range);
        }

        return joined.Count <= MostRanges ? this with { Ranges = joined.DrainToImmutable() } : this;
    }

    /// <summary>The range that a value lies in; -1: none.</summary>
    private int RangeAt(ulong value)
    {
        int low = 0, high = Ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (value < Ranges[middle].Low) high = middle - 1;
            else if (value > Ranges[middle].High) low = middle + 1;
            else return middle;
        }

        return -1;
    }

    /// <summary>The other rows' values between two of refused rows, or beyond all of them.</summary>
    private struct Gap
    {
        private ulong least, greatest;

        public int Others { get; private set; }

        /// <returns>How many there are.</returns>
        public int Add(ulong value)
        {
            least = Others == 0 ? value : Math.Min(least, value);
            greatest = Math.Max(greatest, value);
            return ++Others;
        }

        /// <summary>The bound of a range that begins with a value above the gap.</summary>
        public readonly ulong LowFor(ulong value) =>
            Others == 0 ? ulong.MinValue : value - ((value - greatest - 1) / 2);

        /// <summary>The bound of a range that ends with a value below the gap.</summary>
        public readonly ulong HighFor(ulong value) =>
            Others == 0 ? ulong.MaxValue : value + ((least - value - 1) / 2);
    }
}
