using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>
/// Encoded rows of one table, one behind the other: what a request hands to the gateway. Reusable; not thread-safe.
/// </summary>
public sealed class RowBlock
{
    private readonly List<(Shape Shape, int End)> rows = [];
    private ReadOnlyMemory<byte>? elsewhere;

    /// <summary>Where the encoder appends the next tuple; <see cref="Commit"/> makes it a row.</summary>
    public TupleWriter Writer { get; } = new();

    public int Count => rows.Count;

    /// <summary>The bytes of all rows.</summary>
    public int Bytes => rows.Count == 0 ? 0 : rows[^1].End;

    public Shape ShapeOf(int row) => rows[row].Shape;

    public ReadOnlySpan<byte> Tuple(int row) => Tuples(row, 1);

    /// <summary>The bytes of <paramref name="count"/> rows from <paramref name="first"/> on, without a gap.</summary>
    public ReadOnlySpan<byte> Tuples(int first, int count) =>
        (elsewhere is { } tuples ? tuples.Span : Writer.Written)[Start(first)..rows[first + count - 1].End];

    public int Length(int row) => rows[row].End - Start(row);

    /// <summary>What was appended to <see cref="Writer"/> since the last row is a row of this shape.</summary>
    public void Commit(Shape shape) => rows.Add((shape, Writer.Length));

    /// <summary>Takes back what was appended to <see cref="Writer"/> since the last row.</summary>
    public void Abandon() => Writer.Truncate(Bytes);

    /// <summary>Gives its own storage back, and reads its tuples from where they are as well, until it is
    /// cleared.</summary>
    /// <param name="tuples">The same bytes, which nobody changes.</param>
    public void MoveTo(ReadOnlyMemory<byte> tuples)
    {
        elsewhere = tuples;
        Writer.Release();
    }

    /// <summary>Empties the block and keeps its storage.</summary>
    public void Clear()
    {
        elsewhere = null;
        rows.Clear();
        Writer.Truncate(0);
    }

    private int Start(int row) => row == 0 ? 0 : rows[row - 1].End;
}
