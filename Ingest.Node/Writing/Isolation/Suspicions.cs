using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// What a node remembers of a table's bad rows: what keeps refusing rows. Rows that are likely to be refused by it are
/// tried apart from the others, so that the others are written by one COPY. Each batch that such a row was in makes a
/// suspicion weigh more, each without one makes it weigh less, until it is forgotten. Bounded, thread-safe, and gone
/// with the table's descriptor.
/// </summary>
internal sealed class Suspicions
{
    /// <summary>Suspicions that are remembered of one table.</summary>
    public const int Most = 8;

    // A check costs about half of what a batch costs that fails and is written again: it is worth while where more than
    // a third of the batches have such a row.
    private const int Gain = 2;
    private const int Loss = 1;
    private const int Enough = 4;
    private const int Heaviest = 8;

    private static readonly ConditionalWeakTable<TableDescriptor, Suspicions> Tables = [];

    private readonly Lock gate = new();
    private ImmutableDictionary<object, (Suspicion Suspicion, int Weight)> entries =
        ImmutableDictionary<object, (Suspicion Suspicion, int Weight)>.Empty;

    private int unforeseeable;

    /// <summary>What is remembered of a table.</summary>
    public static Suspicions Of(TableDescriptor table) => Tables.GetOrCreateValue(table);

    /// <summary>Those that keep finding bad rows: look for them before the rows are written.</summary>
    public IEnumerable<Suspicion> Strong =>
        entries.Values.Where(entry => entry.Weight >= Enough).Select(entry => entry.Suspicion);

    /// <summary>Many rows keep coming that are refused for what cannot be foreseen: have the server try each row at
    /// once, since a COPY would fail.</summary>
    public bool IsEachToBeTried => unforeseeable >= Enough;

    public bool IsSomeStrong => IsEachToBeTried || (!entries.IsEmpty && Strong.Any());

    /// <summary>What was learned of a kind of refusal; null: nothing.</summary>
    public ValueRanges? RangeOf(RefusalKind kind) => entries.GetValueOrDefault(kind).Suspicion as ValueRanges;

    /// <summary>A batch was written.</summary>
    /// <param name="useful">What found rows that were refused, or would have; each once.</param>
    /// <param name="learned">What has yet to prove itself.</param>
    /// <param name="isEachToBeTried">Many rows were refused for what could not be foreseen.</param>
    public void Note(
        IReadOnlyCollection<Suspicion> useful, IReadOnlyCollection<Suspicion> learned, bool isEachToBeTried)
    {
        var isSomeNew = useful.Count > 0 || learned.Count > 0 || isEachToBeTried;
        if (entries.IsEmpty && unforeseeable == 0 && !isSomeNew) return;
        lock (gate)
        {
            unforeseeable = Next(unforeseeable, isEachToBeTried);
            var fresh = useful.ToDictionary(suspicion => suspicion.Identity);
            foreach (var (identity, (suspicion, weight)) in entries)
                entries = Next(weight, fresh.Remove(identity, out var newer)) is > 0 and var next
                    ? entries.SetItem(identity, (newer ?? suspicion, next))
                    : entries.Remove(identity);
            foreach (var suspicion in fresh.Values.Concat(learned))
                if (entries.Count < Most || entries.ContainsKey(suspicion.Identity))
                    entries = entries.SetItem(suspicion.Identity, (suspicion, Gain));
        }
    }

    /// <summary>It cannot be looked for, for want of a privilege say.</summary>
    public void Forget(Suspicion suspicion)
    {
        lock (gate) entries = entries.Remove(suspicion.Identity);
    }

    private static int Next(int weight, bool isUseful) =>
        isUseful ? Math.Min(weight + Gain, Heaviest) : Math.Max(weight - Loss, 0);
}
