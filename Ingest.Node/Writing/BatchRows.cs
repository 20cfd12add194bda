using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Rows of one gateway, of one shape, at consecutive positions: a slice of a run.</summary>
internal readonly record struct RowSlice(RowRun Run, int Offset, int Count, GatewayId Gateway, long Position)
{
    public ReadOnlyMemory<byte> Tuples(int first, int count) => Run.Slice(Offset + first, count);

    /// <summary>The slice's own rows from <paramref name="first"/> on.</summary>
    public RowSlice Part(int first, int count) =>
        this with { Offset = Offset + first, Count = count, Position = Position + first };

    /// <summary>The slice as a run of its own.</summary>
    public RowRun ToRun()
    {
        if (Offset == 0 && Count == Run.Count) return Run;
        var start = Offset == 0 ? 0 : Run.Ends[Offset - 1];
        return new RowRun(Run.Shape, Tuples(0, Count), [.. Run.Ends.Slice(Offset, Count).Select(end => end - start)]);
    }
}

/// <summary>
/// The rows of a batch by index, counted from 0: grouped by shape, since each shape needs a COPY of its own, and within
/// a shape in the order in which the lane took them.
/// </summary>
internal sealed class BatchRows
{
    private readonly List<(int First, RowSlice Slice)> slices = [];

    /// <param name="inOrder">Not grouped: of rows that are alike, the first or the last counts.</param>
    public BatchRows(IEnumerable<RowSlice> slices, bool inOrder = false)
    {
        IsInOrder = inOrder;
        // GroupBy keeps the order of first appearance, of the groups and within them.
        var sorted = inOrder ? slices : slices.GroupBy(slice => slice.Run.Shape).SelectMany(group => group);
        foreach (var slice in sorted)
        {
            this.slices.Add((Count, slice));
            Count += slice.Count;
        }
    }

    public int Count { get; private set; }

    /// <summary>Rows are in the order in which the lane took them, whatever their shape.</summary>
    public bool IsInOrder { get; }

    /// <summary>The slices of a batch's parts, in their order.</summary>
    public static IEnumerable<RowSlice> SlicesOf(Batch batch)
    {
        foreach (var part in batch.Parts)
        {
            if (part.Skipped) continue;
            int offset = part.Offset, count = part.Count;
            var position = part.First;
            foreach (var run in part.Envelope.Runs)
            {
                if (count == 0) break;
                if (offset >= run.Count)
                {
                    offset -= run.Count;
                    continue;
                }

                var taken = Math.Min(count, run.Count - offset);
                yield return new RowSlice(run, offset, taken, part.Envelope.Gateway, position);
                (offset, count, position) = (0, count - taken, position + taken);
            }
        }
    }

    /// <summary>The row at an index: whose it is, and what it holds.</summary>
    public (GatewayId Gateway, long Position, Shape Shape, ReadOnlyMemory<byte> Tuple) At(int index)
    {
        var (first, slice) = slices[SliceAt(index)];
        return (slice.Gateway, slice.Position + (index - first), slice.Run.Shape, slice.Tuples(index - first, 1));
    }

    /// <summary>What all rows hold, in order.</summary>
    public IEnumerable<(Shape Shape, ReadOnlyMemory<byte> Tuple)> Each()
    {
        foreach (var (_, slice) in slices)
            for (var row = 0; row < slice.Count; row++) yield return (slice.Run.Shape, slice.Tuples(row, 1));
    }

    /// <summary>The place of the row at an index, as its gateway knows it.</summary>
    public (GatewayId Gateway, long Position) PlaceOf(int index)
    {
        var (first, slice) = slices[SliceAt(index)];
        return (slice.Gateway, slice.Position + (index - first));
    }

    /// <summary>All slices, less the rows at some indexes.</summary>
    public IEnumerable<RowSlice> Without(IReadOnlySet<int> indexes)
    {
        foreach (var (first, slice) in slices)
        {
            var start = 0;
            for (var row = 0; row <= slice.Count; row++)
            {
                if (row < slice.Count && !indexes.Contains(first + row)) continue;
                if (row > start) yield return slice.Part(start, row - start);
                start = row + 1;
            }
        }
    }

    /// <summary>The rows at some indexes, in ascending order.</summary>
    public IEnumerable<RowSlice> Only(IEnumerable<int> indexes)
    {
        foreach (var index in indexes)
        {
            var (first, slice) = slices[SliceAt(index)];
            yield return slice.Part(index - first, 1);
        }
    }

    /// <summary>The shapes, each with its rows' indexes.</summary>
    public IEnumerable<(Shape Shape, int First, int Count)> Shapes()
    {
        for (var i = 0; i < slices.Count;)
        {
            var (first, slice) = slices[i];
            while (++i < slices.Count && slices[i].Slice.Run.Shape.Equals(slice.Run.Shape)) { }
            yield return (slice.Run.Shape, first, (i < slices.Count ? slices[i].First : Count) - first);
        }
    }

    /// <summary>The row at an index, answered with another one's id.</summary>
    public RepeatedRow Repeat(int index, string id)
    {
        var row = At(index);
        return new RepeatedRow(row.Gateway, row.Position, id);
    }

    /// <summary>The row at an index, as its gateway knows it.</summary>
    public RejectedRow Reject(int index, Rejection rejection)
    {
        var (gateway, position) = PlaceOf(index);
        return new RejectedRow(gateway, position, rejection);
    }

    /// <summary>The COPY commands that write a range: for each shape its rows' index and bytes, in order.</summary>
    public IEnumerable<(Shape Shape, int First, List<ReadOnlyMemory<byte>> Tuples)> Copies(RowRange range)
    {
        (Shape Shape, int First, List<ReadOnlyMemory<byte>> Tuples)? open = null;
        for (var i = range.Count == 0 ? slices.Count : SliceAt(range.First); i < slices.Count; i++)
        {
            var (first, slice) = slices[i];
            if (first >= range.End) break;
            var start = Math.Max(range.First, first);
            var count = Math.Min(range.End, first + slice.Count) - start;
            if (open is { } done && !done.Shape.Equals(slice.Run.Shape))
            {
                yield return done;
                open = null;
            }

            open ??= (slice.Run.Shape, start, []);
            open.Value.Tuples.Add(slice.Tuples(start - first, count));
        }

        if (open is { } last) yield return last;
    }

    private int SliceAt(int index)
    {
        int low = 0, high = slices.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (slices[middle].First <= index) low = middle;
            else high = middle - 1;
        }

        return low;
    }
}
