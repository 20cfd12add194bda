using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>Rows of one submission, one behind the other, that are together in an envelope.</summary>
internal readonly record struct RowSlice(Submission Submission, int FirstRow, int Count);

/// <summary>Copies the rows of submissions, their keys and traces, into an envelope.</summary>
internal static class EnvelopeRows
{
    /// <summary>Submissions of so many bytes, pieces of streams that is, read their tuples from the envelope
    /// afterwards, so that a backlog in memory holds them once.</summary>
    private const int MovedFrom = 16 * 1024;

    /// <param name="envelope">The envelope without its rows.</param>
    /// <param name="bytes">The bytes of all the rows' tuples.</param>
    public static Envelope Copy(Envelope envelope, List<RowSlice> slices, int bytes) =>
        envelope with { Runs = Runs(slices, bytes, envelope.Count), Keys = Keys(slices), Traces = Traces(slices) };

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
            var start = length;
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

            if (rows == submission.Rows.Count && length - start >= MovedFrom)
                submission.Rows.MoveTo(tuples.AsMemory(start, length - start));
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

    /// <summary>The traced requests, up to the limit; pieces of one stream that follow each other are one.</summary>
    private static ImmutableArray<RowTrace> Traces(List<RowSlice> slices)
    {
        ImmutableArray<RowTrace>.Builder? traces = null;
        var index = 0;
        foreach (var (submission, _, count) in CollectionsMarshal.AsSpan(slices))
        {
            var trace = new RowTrace(index, count, submission.Request);
            index += count;
            if (trace.Request == default) continue;
            traces ??= ImmutableArray.CreateBuilder<RowTrace>();
            if (traces.Count > 0 && traces[^1] is var last && last.Request == trace.Request
                && last.Row + last.Count == trace.Row)
                traces[^1] = last with { Count = last.Count + count };
            else if (traces.Count < RowTrace.MaxInEnvelope) traces.Add(trace);
        }

        return traces?.ToImmutable() ?? [];
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
