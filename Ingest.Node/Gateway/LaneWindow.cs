using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>
/// What a gateway has sent to one lane and not seen settled: it numbers the rows, makes envelopes, keeps them, and finds the
/// callers of what is settled. Pure; all times are handed in.
/// </summary>
internal sealed class LaneWindow(LaneId lane, GatewayId gateway)
{
    private readonly Queue<WindowEntry> entries = [];
    private WindowEntry? filling;
    private long next = 1;

    public LaneId Lane => lane;

    /// <summary>Rows without a verdict of the lane.</summary>
    public int Rows { get; private set; }

    public bool IsEmpty => entries.Count == 0 && filling is null;

    /// <summary>True while rows wait for <see cref="Seal"/>.</summary>
    public bool IsFilling => filling is not null;

    /// <summary>When the lane last said anything, or was last asked.</summary>
    public DateTimeOffset LastHeard { get; set; }

    /// <summary>The lane was full: nothing is sent before it has been asked again.</summary>
    public bool IsHeld { get; set; }

    private long Base => entries.TryPeek(out var oldest) ? oldest.First : filling?.First ?? next;

    /// <summary>Adds rows of a submission to the envelope that is being filled.</summary>
    /// <returns>How many were taken, which may be none; the rest is for the next envelope, after <see cref="Seal"/>.</returns>
    public int Append(Submission submission, int first, int count, DateTimeOffset answerBy, GatewayOptions options)
    {
        filling ??= new WindowEntry(next, answerBy);
        var taken = filling.Append(submission, first, count, options);
        next += taken;
        Rows += taken;
        return taken;
    }

    /// <summary>Closes the envelope that is being filled and keeps it.</summary>
    /// <param name="answerMargin">How long before its callers are answered the last attempt to write it may start.</param>
    public Envelope Seal(DateTimeOffset now, TimeSpan answerMargin)
    {
        var entry = filling ?? throw new InvalidOperationException("There is nothing to seal.");
        filling = null;
        if (entries.Count == 0) LastHeard = now;
        entries.Enqueue(entry);
        // What is held is not sent now, and is neither to wait nor to count as if it were.
        if (!IsHeld) entry.SentAt = now;
        return entry.Seal(lane, gateway, Base, entry.AnswerBy - answerMargin, isSent: !IsHeld);
    }

    /// <summary>The probe that asks the lane how far it has come.</summary>
    public Probe Probe() => new(lane, gateway, Base, filling?.First ?? next);

    /// <summary>What the lane has not got: what is kept from a position on, and was not sent a moment ago.</summary>
    public List<Envelope> Resend(long from, DateTimeOffset now, TimeSpan spacing)
    {
        var envelopes = new List<Envelope>();
        foreach (var entry in entries)
        {
            if (entry.Last < from || now - entry.SentAt < spacing) continue;
            entry.SentAt = now;
            envelopes.Add(entry.Again(Base));
        }

        return envelopes;
    }

    /// <summary>Settles what a lane has settled, whoever of it is still unsettled here.</summary>
    /// <param name="completed">Gets the submissions whose last verdict this was.</param>
    /// <returns>How many rows were settled by it, by kind; those whose callers had been answered before count too.</returns>
    public SettledCounts Settle(Settled settled, List<Submission> completed)
    {
        var counts = default(SettledCounts);
        foreach (var entry in entries)
        {
            if (entry.First > settled.Last) break;
            if (entry.Last >= settled.First) counts += entry.Settle(settled, completed);
        }

        Rows -= counts.Total;
        while (entries.TryPeek(out var oldest) && oldest.IsSettled) entries.Dequeue();
        return counts;
    }

    /// <summary>
    /// Answers the callers whose time is up: the outcome of their rows is unknown. The positions are kept, without their
    /// bytes, until the lane says what became of them.
    /// </summary>
    public void GiveUp(DateTimeOffset now, List<Submission> completed)
    {
        foreach (var entry in entries)
        {
            // Entries are in order of time, but for callers with deadlines of their own: all are looked at.
            if (entry.AnswerBy <= now) entry.GiveUp(completed);
        }
    }

    /// <summary>Answers all callers: the gateway ends.</summary>
    public void Abandon(List<Submission> completed)
    {
        foreach (var entry in entries) entry.GiveUp(completed);
        filling?.GiveUp(completed);
        entries.Clear();
        filling = null;
    }
}

/// <summary>Rows that were settled, by kind.</summary>
/// <param name="Repeated">Rows that were not written, since they repeat one that was.</param>
internal readonly record struct SettledCounts(int Committed, int Rejected, int NotWritten, int Repeated = 0)
{
    public int Total => Committed + Rejected + NotWritten + Repeated;

    public static SettledCounts operator +(SettledCounts left, SettledCounts right) => new(
        left.Committed + right.Committed,
        left.Rejected + right.Rejected,
        left.NotWritten + right.NotWritten,
        left.Repeated + right.Repeated);
}
