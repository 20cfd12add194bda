using System.Collections.Immutable;

namespace Ingest.Messages;

/// <summary>
/// The columns that a row gives, in the order of its tuple. Rows of different shapes need separate COPY commands, since
/// a column that is left out takes its default. A shape says enough to decode its tuples without the catalog, so a row
/// outlives a change of its table.
/// </summary>
public sealed class Shape : IEquatable<Shape>
{
    private readonly int hash;

    public Shape(ImmutableArray<ShapeColumn> columns)
    {
        Columns = columns;
        var code = new HashCode();
        foreach (var column in columns) code.Add(column);
        hash = code.ToHashCode();
    }

    public ImmutableArray<ShapeColumn> Columns { get; }

    public bool Equals(Shape? other) =>
        ReferenceEquals(this, other) || (other is not null && hash == other.hash && Columns.SequenceEqual(other.Columns));

    public override bool Equals(object? obj) => Equals(obj as Shape);

    public override int GetHashCode() => hash;

    public override string ToString() => string.Join(", ", Columns);
}

/// <summary>One column of a shape.</summary>
/// <param name="Name">The column's name in PostgreSQL, unquoted.</param>
/// <param name="Codec">The wire name of the encoding of its fields, for example <c>int8</c> or <c>text[]</c>.</param>
public readonly record struct ShapeColumn(string Name, string Codec)
{
    public override string ToString() => $"{Name} {Codec}";
}
