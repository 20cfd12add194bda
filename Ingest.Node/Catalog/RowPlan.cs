using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>
/// What the encoders of one table share: which columns a tuple holds, and the shapes. A row's shape is every insertable
/// column without a default, given or not (one that is left out is NULL either way, and there are fewer shapes), and
/// those with a default that the row gives. Thread-safe.
/// </summary>
internal sealed class RowPlan
{
    // A caller who leaves out ever other columns must not fill the memory; shapes beyond are made for each row.
    internal const int MostShapes = 4096;

    private const int MostColumnsListed = 20;

    private readonly ConcurrentDictionary<ulong[], Shape> shapes = new(BitsComparer.Instance);
    private readonly ConcurrentDictionary<ulong[], Shape>.AlternateLookup<ReadOnlySpan<ulong>> shapesByBits;
    private readonly ConcurrentDictionary<Shape, bool> accepted = new();
    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> indexByName;
    private readonly TableDescriptor table;
    private int nextBit;

    public RowPlan(TableDescriptor table)
    {
        this.table = table;
        shapesByBits = shapes.GetAlternateLookup<ReadOnlySpan<ulong>>();
        GeneratedKey = table.KeyGeneration == KeyGeneration.None ? -1 : table.Columns.IndexOf(table.Key[0]);
        Slots = [.. table.Columns.Select(Slot)];
        indexByName = table.Columns.Select((column, index) => KeyValuePair.Create(column.Name, index))
            .ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        DefaultWords = (nextBit + 63) / 64;
        UnknownColumn = DescribeColumns(table);
    }

    /// <summary>The index of the column whose values the encoder makes; -1 where there is none.</summary>
    public int GeneratedKey { get; }

    /// <summary>One for each of the table's columns, in the same order.</summary>
    public ImmutableArray<ColumnSlot> Slots { get; }

    /// <summary>The length of the bit sets that <see cref="ShapeOf"/> takes.</summary>
    public int DefaultWords { get; }

    /// <summary>The message for a row that gives a column that the table does not have.</summary>
    public string UnknownColumn { get; }

    /// <summary>The index of the column of this name; -1 where there is none.</summary>
    public int IndexOf(ReadOnlySpan<char> name) => indexByName.TryGetValue(name, out var index) ? index : -1;

    /// <summary>The shape of a row that gives these columns with a default; the same instance for the same
    /// bits.</summary>
    public Shape ShapeOf(ReadOnlySpan<ulong> given)
    {
        if (shapesByBits.TryGetValue(given, out var shape)) return shape;
        var columns = ImmutableArray.CreateBuilder<ShapeColumn>();
        for (var i = 0; i < Slots.Length; i++)
        {
            var slot = Slots[i];
            var isGiven = slot.DefaultBit >= 0 && (given[slot.DefaultBit / 64] >> slot.DefaultBit & 1) != 0;
            if (isGiven || slot.IsInEachTuple) columns.Add(new ShapeColumn(slot.Column.Name, slot.Column.Codec.Name));
        }

        shape = new Shape(columns.DrainToImmutable());
        return shapes.Count < MostShapes ? shapes.GetOrAdd(given.ToArray(), shape) : shape;
    }

    /// <inheritdoc cref="TableDescriptor.Accepts"/>
    public bool Accepts(Shape shape)
    {
        if (accepted.TryGetValue(shape, out var known)) return known;
        var fits = Fits(shape);
        if (accepted.Count < MostShapes) accepted.TryAdd(shape, fits);
        return fits;
    }

    private static string DescribeColumns(TableDescriptor table)
    {
        var names = table.Columns.Where(column => column.RefusesInput is null).Select(column => column.Name).ToArray();
        var more = names.Length > MostColumnsListed ? ", ..." : "";
        return $"unknown column; columns are {string.Join(", ", names.Take(MostColumnsListed))}{more}";
    }

    private bool Fits(Shape shape)
    {
        foreach (var given in shape.Columns)
        {
            if (!table.ByName.TryGetValue(given.Name, out var column) || column.Codec.Name != given.Codec) return false;
            if (column.RefusesInput is not null && !IsGeneratedKey(column)) return false;
        }

        return table.Columns.All(column =>
            !MustBeGiven(column) || shape.Columns.Any(given => given.Name == column.Name));
    }

    /// <summary>True where a row without a value for the column cannot be written.</summary>
    public bool MustBeGiven(Column column) =>
        !column.IsNullable && !column.HasDefault && !table.HasBeforeInsertTrigger;

    private bool IsGeneratedKey(Column column) => GeneratedKey >= 0 && table.Columns[GeneratedKey] == column;

    private ColumnSlot Slot(Column column, int index)
    {
        var isKey = index == GeneratedKey;
        var takesPart = isKey || column.RefusesInput is null;
        var bit = takesPart && column.HasDefault && !isKey ? nextBit++ : -1;
        return new ColumnSlot(
            Encoding.UTF8.GetBytes(column.Name), column, takesPart && bit < 0, bit, MustBeGiven(column) && !isKey);
    }

    /// <summary>Compares bit sets by content, also as spans, so that a look-up allocates nothing.</summary>
    private sealed class BitsComparer
        : IEqualityComparer<ulong[]>, IAlternateEqualityComparer<ReadOnlySpan<ulong>, ulong[]>
    {
        public static readonly BitsComparer Instance = new();

        public bool Equals(ulong[]? x, ulong[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(ulong[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<ulong> alternate, ulong[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<ulong> alternate)
        {
            var code = 0UL;
            foreach (var word in alternate) code = (code ^ word) * 0x9E3779B97F4A7C15;
            return (int)(code >> 32);
        }

        public ulong[] Create(ReadOnlySpan<ulong> alternate) => alternate.ToArray();
    }
}

/// <summary>What an encoder needs to know about one column.</summary>
/// <param name="Utf8Name">The column's name as it stands in JSON when nothing in it is escaped.</param>
/// <param name="IsInEachTuple">The column is part of each tuple, given or not.</param>
/// <param name="DefaultBit">The column's place in the bit set of given columns with a default; -1 without one.</param>
/// <param name="MustBeGiven">A row that leaves the column out is refused.</param>
internal sealed record ColumnSlot(
    ReadOnlyMemory<byte> Utf8Name, Column Column, bool IsInEachTuple, int DefaultBit, bool MustBeGiven);
