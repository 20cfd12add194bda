using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// What a node remembers of a table's bad rows: the kinds of refusals that keep coming. Rows that are likely to be
/// refused for one of them are tried apart from the others, so that the others are written by one COPY. Each batch that
/// such a row was in makes its kind weigh more, each without one makes it weigh less, until it is forgotten. Bounded,
/// thread-safe, and gone with the table's descriptor.
/// </summary>
internal sealed class Suspicions
{
    /// <summary>Kinds that are remembered of one table.</summary>
    public const int MostKinds = 8;

    // A check costs about half of what a batch costs that fails and is written again: it is worth while where more than
    // a third of the batches have such a row.
    private const int Gain = 2;
    private const int Loss = 1;
    private const int Enough = 4;
    private const int Most = 8;

    private static readonly ConditionalWeakTable<TableDescriptor, Suspicions> Tables = [];

    private readonly Lock gate = new();
    private ImmutableDictionary<ConstraintCheck, int> weights = ImmutableDictionary<ConstraintCheck, int>.Empty;

    /// <summary>What is remembered of a table.</summary>
    public static Suspicions Of(TableDescriptor table) => Tables.GetOrCreateValue(table);

    /// <summary>Kinds that keep coming: look for them before the rows are written.</summary>
    public IEnumerable<ConstraintCheck> Strong =>
        weights.Where(entry => entry.Value >= Enough).Select(entry => entry.Key);

    public bool HasStrong => !weights.IsEmpty && Strong.Any();

    /// <summary>The check for a kind, where it is remembered.</summary>
    public ConstraintCheck? Find(RefusalKind kind) => weights.Keys.FirstOrDefault(check => check.Kind == kind);

    /// <summary>A batch was written.</summary>
    /// <param name="useful">The checks that found rows which were refused, or would have.</param>
    public void Note(IReadOnlyCollection<ConstraintCheck> useful)
    {
        if (weights.IsEmpty && useful.Count == 0) return;
        lock (gate)
        {
            foreach (var (check, weight) in weights)
            {
                if (useful.Contains(check)) weights = weights.SetItem(check, Math.Min(weight + Gain, Most));
                else if (weight > Loss) weights = weights.SetItem(check, weight - Loss);
                else weights = weights.Remove(check);
            }

            foreach (var check in useful.Where(check => !weights.ContainsKey(check)))
                if (weights.Count < MostKinds) weights = weights.Add(check, Gain);
        }
    }

    /// <summary>A check cannot be made, for want of a privilege say.</summary>
    public void Forget(ConstraintCheck check)
    {
        lock (gate) weights = weights.Remove(check);
    }
}
