using System.Buffers.Binary;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// What refused rows have in common where nothing says why they were refused (a trigger, a generated column, a policy):
/// one column whose values, or their lengths, lie in a range that hardly any good row's do. Learned from rows that were
/// refused beside rows that were not: a decision tree of one level (R. C. Holte, "Very simple classification rules
/// perform well on most commonly used datasets", Machine Learning 11, 1993).
/// </summary>
/// <param name="Column">Its name.</param>
/// <param name="IsOfLengths">It is the length of the column's fields, in bytes, that counts.</param>
/// <param name="Low">The least <see cref="Measure"/> in the range.</param>
/// <param name="High">The greatest.</param>
internal sealed record ValueRange(RefusalKind Kind, string Column, bool IsOfLengths, ulong Low, ulong High)
    : Suspicion(Kind)
{
    /// <summary>Fewer rows have something in common by accident.</summary>
    public const int LeastRefused = 4;

    // Below all values.
    private const ulong LeftOut = 0;
    private const ulong Null = 1;
    private const ulong LeastValue = 2;

    /// <summary>There is one for a kind of refusal.</summary>
    public override object Identity => Kind;

    /// <summary>The rows in the range, by index.</summary>
    public HashSet<int> Find(BatchRows rows) =>
        [.. Enumerable.Range(0, rows.Count).Where(index => Contains(Measure(rows, index, Column, IsOfLengths)))];

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
    public static ValueRange? Learn(
        RefusalKind kind, BatchRows rows, IReadOnlySet<int> refused, ValueRange? known)
    {
        if (refused.Count < LeastRefused) return null;
        ValueRange? best = null;
        var fewest = refused.Count + 1;
        var columns = rows.Shapes().SelectMany(part => part.Shape.Columns).Select(column => column.Name).Distinct();
        foreach (var (column, isOfLengths) in columns.SelectMany(name => new[] { (name, false), (name, true) }))
        {
            var measures = refused.Select(index => Measure(rows, index, column, isOfLengths)).ToList();
            var range = new ValueRange(kind, column, isOfLengths, measures.Min(), measures.Max());
            if (range.Widen(rows, refused, fewest) is { } wider) (best, fewest) = wider;
            if (fewest == 0) break;
        }

        return best?.JoinedTo(known, rows, refused);
    }

    /// <summary>Widens it: halfway to the nearest other rows.</summary>
    /// <param name="limit">The number of others in it from which on it is useless.</param>
    /// <returns>The wider range, and the number of other rows in it; null where it is useless.</returns>
    private (ValueRange Range, int Others)? Widen(BatchRows rows, IReadOnlySet<int> refused, int limit)
    {
        ulong? below = null, above = null;
        var others = 0;
        for (var index = 0; index < rows.Count; index++)
        {
            if (refused.Contains(index)) continue;
            var measure = Measure(rows, index, Column, IsOfLengths);
            if (measure < Low) below = Math.Max(below ?? 0, measure);
            else if (measure > High) above = Math.Min(above ?? ulong.MaxValue, measure);
            else if (++others >= limit) return null;
        }

        var low = below is { } lower ? Low - ((Low - lower - 1) / 2) : ulong.MinValue;
        var high = above is { } upper ? High + ((upper - High - 1) / 2) : ulong.MaxValue;
        return (this with { Low = low, High = high }, others);
    }

    /// <summary>What was learned before counts too, as long as it is not contradicted.</summary>
    private ValueRange JoinedTo(ValueRange? known, BatchRows rows, IReadOnlySet<int> refused)
    {
        if (known is null || known.Column != Column || known.IsOfLengths != IsOfLengths) return this;
        var joined = this with { Low = Math.Min(Low, known.Low), High = Math.Max(High, known.High) };
        return Tells(refused, joined.Find(rows)) ? joined : this;
    }

    private bool Contains(ulong measure) => measure >= Low && measure <= High;

    /// <summary>A number by which rows can be compared: their values', or their lengths', order. That of values is the
    /// type's own for numbers, times and texts, up to their first 8 bytes; among negative floating-point numbers it is
    /// reversed, which makes no difference to ranges.</summary>
    private static ulong Measure(BatchRows rows, int index, string column, bool isOfLengths)
    {
        var row = rows.At(index);
        var place = TupleReader.IndexOf(row.Shape, column);
        if (place < 0) return LeftOut;
        if (!TupleReader.TryGetField(row.Tuple.Span, place, out var field)) return Null;
        return isOfLengths ? LeastValue + (ulong)field.Length : Math.Max(LeastValue, ValueOf(row.Shape, place, field));
    }

    private static ulong ValueOf(Shape shape, int place, ReadOnlySpan<byte> field)
    {
        const ulong sign = 1UL << 63;
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        if (shape.Columns[place].Codec != "numeric")
        {
            head.Clear();
            field[..Math.Min(field.Length, head.Length)].CopyTo(head);
            return BinaryPrimitives.ReadUInt64BigEndian(head) ^ sign;
        }

        // The number of digits, the weight of the first one, the sign, the scale, the digits.
        var digits = BinaryPrimitives.ReadUInt16BigEndian(field);
        if (digits == 0) return sign;
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)(BinaryPrimitives.ReadInt16BigEndian(field[2..]) ^ 0x8000));
        head[2..].Clear();
        field.Slice(8, Math.Min(6, 2 * digits)).CopyTo(head[2..]);
        var size = BinaryPrimitives.ReadUInt64BigEndian(head) >> 1;
        var isNegative = BinaryPrimitives.ReadUInt16BigEndian(field[4..]) == NumericCodec.NegativeSign;
        return isNegative ? ~size ^ sign : size | sign;
    }
}
