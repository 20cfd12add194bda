using System.Collections;
using System.Runtime.InteropServices;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>One envelope of a window: its rows, whose they are, and which of them are settled.</summary>
internal sealed class WindowEntry(long first, DateTimeOffset answerBy, Acknowledge level)
{
    private readonly List<RowSlice> slices = [];
    private BitArray? settledRows;
    private Envelope? envelope;
    private int bytes;
    private int sends;
    private int unsettled;
    private bool givenUp;
    private bool expired;
    private bool accepted;

    public long First { get; } = first;

    public int Count { get; private set; }

    public long Last => First + Count - 1;

    /// <summary>What its callers ask for.</summary>
    public Acknowledge Level { get; } = level;

    /// <summary>When its callers are answered at the latest.</summary>
    public DateTimeOffset AnswerBy { get; } = answerBy;

    public DateTimeOffset SentAt { get; set; }

    public bool IsSettled => unsettled == 0;

    /// <summary>No row below this one is unsettled; behind it some may be settled. Rows that are accepted are settled
    /// in order.</summary>
    public long FirstUnsettled => accepted ? Last - unsettled + 1 : First;

    /// <summary>Rows without a verdict of the lane.</summary>
    public int Unsettled => settledRows is null && !accepted ? Count : unsettled;

    /// <summary>True where a lane may have got it.</summary>
    public bool WasSent => sends > 0;

    /// <summary>True where its rows are in the journal.</summary>
    public bool IsAccepted => accepted;

    /// <summary>True while a caller waits for a row of it.</summary>
    public bool HasCallers => !givenUp && !accepted && !IsSettled;

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

        if (taken > 0) slices.Add(new RowSlice(submission, firstRow, taken));
        Count += taken;
        return taken;
    }

    /// <summary>Copies the rows into an envelope: from here on the submissions' storage is not needed.</summary>
    public Envelope Seal(LaneId lane, GatewayId gateway, long @base, DateTimeOffset deadline, bool isSent)
    {
        sends = isSent ? 1 : 0;
        unsettled = Count;
        settledRows = new BitArray(Count);
        return envelope = EnvelopeRows.Copy(
            new Envelope(lane, gateway, First, Count, @base, deadline, []) { Acknowledge = Level }, slices, bytes);
    }

    /// <summary>
    /// The envelope once more. As a reminder where its rows are accepted; as positions to skip where its callers have
    /// been answered otherwise, or where a lane has given up on some of its rows: another lane's clock might be behind,
    /// and none of those may be written any more.
    /// </summary>
    public Envelope Again(long @base)
    {
        sends++;
        envelope = envelope! with { Base = @base, IsResent = sends > 1 };
        if (accepted) envelope = Emptied(envelope) with { First = FirstUnsettled, Count = unsettled };
        else if (givenUp || expired || IsSettled)
            envelope = Emptied(envelope) with { Acknowledge = Acknowledge.Committed };
        return envelope;
    }

    public SettledCounts Settle(Settled settled, List<Submission> completed, List<Rejection> rejected)
    {
        if (accepted) return SettleAccepted(settled, rejected);
        var outcome = OutcomeOf(settled);
        expired |= settled.Outcome != VerdictKind.Committed;
        var from = (int)(Math.Max(settled.First, First) - First);
        var to = (int)(Math.Min(settled.Last, Last) - First);
        var exceptions = new ExceptionCursor(settled);
        int rows = 0, rejectedBefore = rejected.Count, repeated = 0, sliceStart = 0, slice = 0;
        for (var index = from; index <= to; index++)
        {
            if (settledRows![index]) continue;
            settledRows[index] = true;
            rows++;
            var verdict = exceptions.At(First + index) ?? outcome;
            if (verdict.Rejection is { } rejection) rejected.Add(rejection);
            if (verdict.RepeatedId is not null) repeated++;
            if (givenUp) continue;
            while (index >= sliceStart + slices[slice].Count) sliceStart += slices[slice++].Count;
            var (submission, firstRow, _) = slices[slice];
            if (submission.Settle(firstRow + index - sliceStart, ForCaller(verdict))) completed.Add(submission);
        }

        unsettled -= rows;
        if (IsSettled) Forget();
        return CountsOf(settled.Outcome, rows, rejected.Count - rejectedBefore, repeated);
    }

    /// <summary>The lane's journal has the rows: answers their callers. Not while a row is settled and one before it is
    /// not, whose verdict was lost: from here on rows must be settled in order, and both are told again.</summary>
    /// <returns>The rows that are accepted now and were not before.</returns>
    public int Accept(List<Submission> completed)
    {
        if (accepted || IsSettled || !IsSettledInOrder()) return 0;
        Answer(Verdict.Accepted, completed);
        accepted = true;
        Forget();
        settledRows = null;
        return unsettled;
    }

    /// <summary>Takes in the accepted rows of the entry that follows.</summary>
    public bool TryExtend(WindowEntry next)
    {
        if (!accepted || !next.accepted || next.First != Last + 1 || next.unsettled != next.Count) return false;
        if (Count > int.MaxValue - next.Count) return false;
        Count += next.Count;
        unsettled += next.Count;
        sends = Math.Max(sends, next.sends);
        return true;
    }

    /// <summary>Tells the callers of what is not settled that nobody knows; or, where it was never sent, that it is not
    /// written.</summary>
    public void GiveUp(List<Submission> completed)
    {
        if (givenUp || accepted || (settledRows is not null && IsSettled)) return;
        // What was never sent is not written: from now on its positions are only skipped.
        Answer(sends == 0 ? Verdict.NotWritten : Verdict.Unknown, completed);
        givenUp = true;
        Forget();
    }

    private bool IsSettledInOrder()
    {
        for (var row = 0; row < Count - unsettled; row++)
            if (!settledRows![row]) return false;
        return true;
    }

    private void Answer(Verdict verdict, List<Submission> completed)
    {
        var index = 0;
        foreach (var (submission, firstRow, count) in CollectionsMarshal.AsSpan(slices))
        {
            for (var row = 0; row < count; row++, index++)
            {
                if (settledRows is not null && settledRows[index]) continue;
                if (submission.Settle(firstRow + row, verdict)) completed.Add(submission);
            }
        }
    }

    /// <summary>Accepted rows are settled in order; what comes too early was preceded by a message that was lost, and
    /// is told again.</summary>
    private SettledCounts SettleAccepted(Settled settled, List<Rejection> rejected)
    {
        if (!settled.IsRecorded || settled.First > FirstUnsettled || settled.Last < FirstUnsettled) return default;
        var from = FirstUnsettled;
        var to = Math.Min(settled.Last, Last);
        var rejections = settled.Rejections.IsDefault ? [] : settled.Rejections;
        var refused = rejections.Where(row => row.Position >= from && row.Position <= to).ToList();
        rejected.AddRange(refused.Select(row => row.Rejection));
        var repeated = settled.Repeats.Count(row => row.Position >= from && row.Position <= to);
        var rows = (int)(to - from + 1);
        unsettled -= rows;
        return CountsOf(settled.Outcome, rows, refused.Count, repeated) with { Accepted = -rows };
    }

    private Verdict OutcomeOf(Settled settled) => settled.Outcome switch
    {
        VerdictKind.Committed => Verdict.Committed,
        // Another copy of the envelope may be with another incarnation of the lane, which may yet write it.
        _ when sends > 1 => Verdict.Unknown,
        var kind => new Verdict(kind),
    };

    /// <summary>Who asks to be accepted is told so and no more, even where more is known already: that a row was
    /// refused is for its receipt and for the dead letters to say.</summary>
    private Verdict ForCaller(in Verdict verdict) =>
        Level == Acknowledge.Accepted && verdict.Kind is VerdictKind.Committed or VerdictKind.Rejected
            ? new Verdict(VerdictKind.Accepted, RepeatedId: verdict.RepeatedId)
            : verdict;

    private static SettledCounts CountsOf(VerdictKind outcome, int rows, int rejected, int repeated) =>
        outcome == VerdictKind.Committed
            ? new SettledCounts(rows - rejected - repeated, rejected, 0, repeated)
            : new SettledCounts(0, 0, rows);

    /// <summary>Lets go of the bytes and the callers; the positions stay.</summary>
    private void Forget()
    {
        slices.Clear();
        slices.TrimExcess();
        if (envelope is not null) envelope = Emptied(envelope);
    }

    private static Envelope Emptied(Envelope envelope) => envelope with { Runs = [], Keys = [], Traces = [] };

    /// <summary>Walks the exceptions of a settled range along with its rows.</summary>
    private struct ExceptionCursor(Settled settled)
    {
        private int nextRejection;
        private int nextRepeat;

        public Verdict? At(long position)
        {
            var rejections = settled.Rejections.IsDefault ? [] : settled.Rejections;
            while (nextRejection < rejections.Length && rejections[nextRejection].Position < position) nextRejection++;
            while (nextRepeat < settled.Repeats.Length && settled.Repeats[nextRepeat].Position < position) nextRepeat++;
            if (nextRepeat < settled.Repeats.Length && settled.Repeats[nextRepeat].Position == position)
                return Verdict.Repeated(settled.Repeats[nextRepeat].Id);
            return nextRejection < rejections.Length && rejections[nextRejection].Position == position
                ? Verdict.Rejected(rejections[nextRejection].Rejection)
                : null;
        }
    }
}
