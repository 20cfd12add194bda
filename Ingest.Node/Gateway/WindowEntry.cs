using System.Collections;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>One envelope of a window: its rows, whose they are, and which of them are settled.</summary>
internal sealed class WindowEntry(long first, DateTimeOffset answerBy)
{
    private readonly List<Slice> slices = [];
    private List<RowTrace>? traces;
    private BitArray? settledRows;
    private Envelope? envelope;
    private int bytes;
    private int sends;
    private int unsettled;
    private bool givenUp;
    private bool expired;

    public long First { get; } = first;

    public int Count { get; private set; }

    public long Last => First + Count - 1;

    /// <summary>When its callers are answered at the latest.</summary>
    public DateTimeOffset AnswerBy { get; } = answerBy;

    public DateTimeOffset SentAt { get; set; }

    public bool IsSettled => unsettled == 0;

    /// <summary>Rows without a verdict of the lane.</summary>
    public int Unsettled => settledRows is null ? Count : unsettled;

    /// <summary>True where a lane may have got it.</summary>
    public bool WasSent => sends > 0;

    /// <summary>True while a caller waits for a row of it.</summary>
    public bool HasCallers => !givenUp && !IsSettled;

    public int Append(Submission submission, int firstRow, int count, GatewayOptions options)
    {
        var taken = 0;
        while (taken < count && Count + taken < options.EnvelopeRows)
        {
            var length = submission.Rows.Length(firstRow + taken);
            if (Count + taken > 0 && bytes + length > options.EnvelopeBytes) break;
            bytes += length;
            taken++;
        }

        if (taken > 0) slices.Add(new Slice(submission, firstRow, taken));
        if (taken > 0 && submission.Request != default) Trace(new RowTrace(Count, taken, submission.Request));
        Count += taken;
        return taken;
    }

    /// <summary>Copies the rows into an envelope: from here on the submissions' storage is not needed.</summary>
    public Envelope Seal(LaneId lane, GatewayId gateway, long @base, DateTimeOffset deadline, bool isSent)
    {
        sends = isSent ? 1 : 0;
        unsettled = Count;
        settledRows = new BitArray(Count);
        return envelope = new Envelope(lane, gateway, First, Count, @base, deadline, Runs()) 
        {
            Keys = Keys(),
            Traces = traces is null ? [] : [.. traces],
        };
    }

    /// <summary>
    /// The envelope once more; as positions to skip where its callers have been answered, or where a lane has given up
    /// on some of its rows: another lane's clock might be behind, and none of those may be written any more.
    /// </summary>
    public Envelope Again(long @base)
    {
        sends++;
        return envelope = givenUp || expired
            ? envelope! with { Base = @base, Runs = [], Keys = [], Traces = [] }
            : envelope! with { Base = @base };
    }

    public SettledCounts Settle(Settled settled, List<Submission> completed, List<Rejection> rejected)
    {
        // Another copy of the envelope may be with another incarnation of the lane, which may yet write it.
        var outcome = settled.Outcome == VerdictKind.NotWritten && sends > 1
            ? Verdict.Unknown
            : new Verdict(settled.Outcome);
        expired |= settled.Outcome == VerdictKind.NotWritten;
        var from = (int)(Math.Max(settled.First, First) - First);
        var to = (int)(Math.Min(settled.Last, Last) - First);
        var rejections = settled.Rejections.IsDefault ? [] : settled.Rejections;
        int rows = 0, rejectedBefore = rejected.Count, repeated = 0, nextRejection = 0, nextRepeat = 0, sliceStart = 0, slice = 0;
        for (var index = from; index <= to; index++)
        {
            if (settledRows![index]) continue;
            settledRows[index] = true;
            rows++;
            var verdict = outcome;
            while (nextRejection < rejections.Length && rejections[nextRejection].Position < First + index) nextRejection++;
            if (nextRejection < rejections.Length && rejections[nextRejection].Position == First + index)
            {
                verdict = Verdict.Rejected(rejections[nextRejection].Rejection);
                rejected.Add(rejections[nextRejection].Rejection);
            }

            while (nextRepeat < settled.Repeats.Length && settled.Repeats[nextRepeat].Position < First + index) nextRepeat++;
            if (nextRepeat < settled.Repeats.Length && settled.Repeats[nextRepeat].Position == First + index)
            {
                verdict = Verdict.Repeated(settled.Repeats[nextRepeat].Id);
                repeated++;
            }

            if (givenUp) continue;
            while (index >= sliceStart + slices[slice].Count) sliceStart += slices[slice++].Count;
            var (submission, firstRow, _) = slices[slice];
            if (submission.Settle(firstRow + index - sliceStart, verdict)) completed.Add(submission);
        }

        unsettled -= rows;
        if (IsSettled) Forget();
        var refused = rejected.Count - rejectedBefore;
        return settled.Outcome == VerdictKind.Committed
            ? new SettledCounts(rows - refused - repeated, refused, 0, repeated)
            : new SettledCounts(0, 0, rows);
    }

    /// <summary>Tells the callers of what is not settled that nobody knows; or, where it was never sent, that it is not
    /// written.</summary>
    public void GiveUp(List<Submission> completed)
    {
        if (givenUp || (settledRows is not null && IsSettled)) return;
        // What was never sent is not written: from now on its positions are only skipped.
        var verdict = sends == 0 ? Verdict.NotWritten : Verdict.Unknown;
        var index = 0;
        foreach (var (submission, firstRow, count) in CollectionsMarshal.AsSpan(slices))
        {
            for (var row = 0; row < count; row++, index++)
            {
                if (settledRows is not null && settledRows[index]) continue;
                if (submission.Settle(firstRow + row, verdict)) completed.Add(submission);
            }
        }

        givenUp = true;
        Forget();
    }

    /// <summary>Remembers a traced request's rows, up to the limit; pieces of one stream are one.</summary>
    private void Trace(RowTrace trace)
    {
        traces ??= [];
        if (traces is [.., var last] && last.Request == trace.Request && last.Row + last.Count == trace.Row)
            traces[^1] = last with { Count = last.Count + trace.Count };
        else if (traces.Count < RowTrace.MaxInEnvelope) traces.Add(trace);
    }

    /// <summary>Lets go of the bytes and the callers; the positions stay.</summary>
    private void Forget()
    {
        slices.Clear();
        if (envelope is not null) envelope = envelope with { Runs = [], Keys = [], Traces = [] };
    }

    /// <summary>Groups the rows into runs of one shape, each with its tuples in one piece.</summary>
    private ImmutableArray<RowRun> Runs()
    {
        var runs = ImmutableArray.CreateBuilder<RowRun>(1);
        var tuples = new byte[bytes];
        var ends = new List<int>(Count);
        Shape? shape = null;
        int runStart = 0, length = 0;
        foreach (var (submission, firstRow, count) in CollectionsMarshal.AsSpan(slices))
        {
            for (var row = firstRow; row < firstRow + count; row++)
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

    private ImmutableArray<RowKey> Keys()
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

    private readonly record struct Slice(Submission Submission, int FirstRow, int Count);
}
