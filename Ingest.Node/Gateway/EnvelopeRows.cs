using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>Rows of one submission, one behind the other, that are together in an envelope.</summary>
internal readonly record struct RowSlice(Submission Submission, int FirstRow, int Count);

/// <summary>Copies the rows of submissions, and their keys, into an envelope.</summary>
internal static class EnvelopeRows
{
    /// <param name="envelope">The envelope without its rows.</param>
    /// <param name="bytes">The bytes of all the rows' tuples.</param>
    public static Envelope Copy(Envelope envelope, List<RowSlice> slices, int bytes) =>
        envelope with { Runs = Runs(slices, bytes, envelope.Count), Keys = Keys(slices) };

    /// <summary>Groups the rows into runs of one shape, each with its tuples in one piece.</summary>
    private static ImmutableArray<RowRun> Runs(List<RowSlice> slices, int bytes, int count)
    {
        var runs = ImmutableArray.CreateBuilder<RowRun>(1);
        var tuples = new byte[bytes];
        var ends = new List<int>(count);
        Shape? shape = null;
        int runStart = 0, length = 0;
        foreach (var (submission, firstRow, rows) in CollectionsMarshal.AsSpan(slices))
        {
            for (var row = firstRow; row < firstRow + rows; row++)
            {
                var rowShape = submission.Rows.ShapeOf(row);
                if (shape is not null && !ReferenceEquals(shape, rowShape) && !shape.Equals(rowShape)) CloseRun();
                shape = rowShape;
                var tuple = submission.Rows.Tuple(row);
                tuple.CopyTo(tuples.AsSpan(length));
                length += tuple.Length;
                ends.Add(length - runStart);
            }
        }

        CloseRun();
        return runs.DrainToImmutable();

        void CloseRun()
        {
            runs.Add(new RowRun(shape!, tuples.AsMemory(runStart, length - runStart), [.. ends]));
            ends.Clear();
            runStart = length;
        }
    }

    private static ImmutableArray<RowKey> Keys(List<RowSlice> slices)
    {
        ImmutableArray<RowKey>.Builder? keys = null;
        var index = 0;
        foreach (var (submission, firstRow, count) in CollectionsMarshal.AsSpan(slices))
        {
            for (var row = 0; submission.Keys.Count > 0 && row < count; row++)
            {
                var (key, digest) = submission.Keys[firstRow + row];
                (keys ??= ImmutableArray.CreateBuilder<RowKey>()).Add(new RowKey(index + row, key, digest));
            }

            index += count;
        }

        return keys?.DrainToImmutable() ?? [];
    }
}
