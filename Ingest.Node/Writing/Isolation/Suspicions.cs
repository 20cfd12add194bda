using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// What a node remembers of a table's bad rows: what keeps refusing rows. Rows that are likely to be refused by it are
/// tried apart from the others, so that the others are written by one COPY. Each batch that such a row was in makes its
/// check weigh more, each without one makes it weigh less, until it is forgotten. Bounded, thread-safe, and gone with the
/// table's descriptor.
/// </summary>
internal sealed class Suspicions
{
    /// <summary>Checks that are remembered of one table.</summary>
    public const int MostChecks = 8;

    // A check costs about half of what a batch costs that fails and is written again: it is worth while where more than
    // a third of the batches have such a row.
    private const int Gain = 2;
    private const int Loss = 1;
    private const int Enough = 4;
    private const int Most = 8;

    private static readonly ConditionalWeakTable<TableDescriptor, Suspicions> Tables = [];

    private readonly Lock gate = new();
    private ImmutableDictionary<ConstraintCheck, int> weights = ImmutableDictionary<ConstraintCheck, int>.Empty;
    private ImmutableArray<string> policies = [];
    private int unforeseeable;

    /// <summary>What is remembered of a table.</summary>
    public static Suspicions Of(TableDescriptor table) => Tables.GetOrCreateValue(table);

    /// <summary>Checks that keep finding bad rows: make them before the rows are written.</summary>
    public IEnumerable<ConstraintCheck> Strong =>
        weights.Where(entry => entry.Value >= Enough).Select(entry => entry.Key);

    /// <summary>Many rows keep coming that are refused for what cannot be looked up: have the server try each row at
    /// once, since a COPY would fail.</summary>
    public bool IsEachToBeTried => unforeseeable >= Enough;

    public bool IsSomeStrong => IsEachToBeTried || (!weights.IsEmpty && Strong.Any());

    /// <summary>
    /// The words of errors that came from a policy of row level security. The server's loop sees nothing else that
    /// tells them from a missing privilege.
    /// </summary>
    public ImmutableArray<string> Policies => policies;

    /// <summary>A batch was written.</summary>
    /// <param name="useful">The checks that found rows which were refused, or would have.</param>
    /// <param name="isEachToBeTried">Many rows were refused for what cannot be looked up.</param>
    public void Note(IReadOnlyCollection<ConstraintCheck> useful, bool isEachToBeTried)
    {
        if (weights.IsEmpty && useful.Count == 0 && unforeseeable == 0 && !isEachToBeTried) return;
        lock (gate)
        {
            unforeseeable = Next(unforeseeable, isEachToBeTried);
            foreach (var (check, weight) in weights)
                weights = Next(weight, useful.Contains(check)) is > 0 and var next
                    ? weights.SetItem(check, next)
                    : weights.Remove(check);
            foreach (var check in useful.Where(check => !weights.ContainsKey(check)))
                if (weights.Count < MostChecks) weights = weights.Add(check, Gain);
        }
    }

    /// <summary>A policy has refused a row.</summary>
    public void NotePolicy(string words)
    {
        lock (gate)
            if (policies.Length < MostChecks && !policies.Contains(words)) policies = policies.Add(words);
    }

    /// <summary>A check cannot be made, for want of a privilege say.</summary>
    public void Forget(ConstraintCheck check)
    {
        lock (gate) weights = weights.Remove(check);
    }

    private static int Next(int weight, bool isUseful) =>
        isUseful ? Math.Min(weight + Gain, Most) : Math.Max(weight - Loss, 0);
}
