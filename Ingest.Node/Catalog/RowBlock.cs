using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>
/// Encoded rows of one table, one behind the other: what a request hands to the gateway. Reusable; not thread-safe.
/// </summary>
public sealed class RowBlock
{
    // Four bytes for each row that waits, since most rows have the shape of the one before.
    private readonly List<int> ends = [];
    private readonly List<(Shape Shape, int First)> shapes = [];
    private ReadOnlyMemory<byte>? elsewhere;

    /// <summary>Where the encoder appends the next tuple; <see cref="Commit"/> makes it a row.</summary>
    public TupleWriter Writer { get; } = new();

    public int Count => ends.Count;

    /// <summary>The bytes of all rows.</summary>
    public int Bytes => ends.Count == 0 ? 0 : ends[^1];

    public Shape ShapeOf(int row)
    {
        var (low, high) = (0, shapes.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (shapes[middle].First <= row) low = middle;
            else high = middle - 1;
        }

        return shapes[low].Shape;
    }

    public ReadOnlySpan<byte> Tuple(int row) => Tuples(row, 1);

    /// <summary>The bytes of <paramref name="count"/> rows from <paramref name="first"/> on, without a gap.</summary>
    public ReadOnlySpan<byte> Tuples(int first, int count) =>
        (elsewhere is { } tuples ? tuples.Span : Writer.Written)[Start(first)..ends[first + count - 1]];

    public int Length(int row) => ends[row] - Start(row);

    /// <summary>What was appended to <see cref="Writer"/> since the last row is a row of this shape.</summary>
    public void Commit(Shape shape)
    {
        if (shapes.Count == 0 || !ReferenceEquals(shapes[^1].Shape, shape)) shapes.Add((shape, ends.Count));
        ends.Add(Writer.Length);
    }

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
        ends.Clear();
        shapes.Clear();
        Writer.Truncate(0);
    }

    private int Start(int row) => row == 0 ? 0 : ends[row - 1];
}
