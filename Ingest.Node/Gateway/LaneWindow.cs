using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>
/// What a gateway has sent to one lane and not seen settled: it numbers the rows, makes envelopes, keeps them, and
/// finds the callers of what is settled. Pure; all times are handed in.
/// </summary>
internal sealed class LaneWindow(LaneId lane, GatewayId gateway)
{
    private readonly Queue<WindowEntry> entries = [];
    private WindowEntry? filling;
    private long next = 1;
    private DateTimeOffset askedAt;
    private bool wasAsked;

    public LaneId Lane => lane;

    /// <summary>Rows without a verdict of the lane.</summary>
    public int Rows { get; private set; }

    public bool IsEmpty => entries.Count == 0 && filling is null;

    /// <summary>True while rows wait for <see cref="Seal"/>.</summary>
    public bool IsFilling => filling is not null;

    /// <summary>The lane has not answered the last probe: rows go elsewhere if they can.</summary>
    public bool IsSilent { get; private set; }

    /// <summary>The lane was full: nothing is sent before it has been asked again.</summary>
    public bool IsHeld { get; set; }

    private long Base => entries.TryPeek(out var oldest) ? oldest.First : filling?.First ?? next;

    /// <summary>Begins an envelope.</summary>
    /// <param name="answerBy">When its callers are answered at the latest.</param>
    public void Open(DateTimeOffset answerBy) => filling = new WindowEntry(next, answerBy);

    /// <summary>Adds rows of a submission, from row <paramref name="first"/> on, to the envelope that was
    /// opened.</summary>
    /// <returns>How many were taken, which may be none; the rest is for the next envelope, after
    /// <see cref="Seal"/>.</returns>
    public int Append(Submission submission, int first, int count, GatewayOptions options)
    {
        var entry = filling ?? throw new InvalidOperationException("There is no envelope to fill.");
        var taken = entry.Append(submission, first, count, options);
        next += taken;
        Rows += taken;
        return taken;
    }

    /// <summary>Closes the envelope that is being filled and keeps it.</summary>
    /// <param name="answerMargin">How long before its callers are answered the last attempt to write it may
    /// start.</param>
    public Envelope Seal(DateTimeOffset now, TimeSpan answerMargin)
    {
        var entry = filling ?? throw new InvalidOperationException("There is nothing to seal.");
        filling = null;
        entries.Enqueue(entry);
        // What is held is not sent now, and is neither to wait nor to count as if it were.
        if (!IsHeld) entry.SentAt = now;
        return entry.Seal(lane, gateway, Base, entry.AnswerBy - answerMargin, isSent: !IsHeld);
    }

    /// <summary>The lane has said something.</summary>
    public void Hear()
    {
        IsSilent = false;
        wasAsked = false;
    }

    /// <summary>
    /// The probe that asks the lane how far it has come, where the oldest row has waited for so long, and the lane has
    /// not been asked for so long, that something may have been lost; whatever the lane has said of other rows.
    /// </summary>
    public Probe? Probe(DateTimeOffset now, TimeSpan after)
    {
        if (!entries.TryPeek(out var oldest)) return null;
        if (!IsHeld && (now - oldest.SentAt < after || now - askedAt < after)) return null;
        IsSilent = wasAsked && !IsHeld;
        wasAsked = true;
        askedAt = now;
        return new Probe(lane, gateway, Base, filling?.First ?? next);
    }

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
    /// <param name="rejected">Gets why each row was rejected that this settles.</param>
    /// <returns>How many rows were settled by it, by kind; those whose callers had been answered before count
    /// too.</returns>
    public SettledCounts Settle(Settled settled, List<Submission> completed, List<Rejection> rejected)
    {
        var counts = default(SettledCounts);
        foreach (var entry in entries)
        {
            if (entry.First > settled.Last) break;
            if (entry.Last >= settled.First) counts += entry.Settle(settled, completed, rejected);
        }

        Rows -= counts.Total;
        while (entries.TryPeek(out var oldest) && oldest.IsSettled) entries.Dequeue();
        return counts;
    }

    /// <summary>
    /// Answers the callers whose time is up: the outcome of their rows is unknown. The positions are kept, without
    /// their bytes, until the lane says what became of them.
    /// </summary>
    public void GiveUp(DateTimeOffset now, List<Submission> completed)
    {
        foreach (var entry in entries)
        {
            if (entry.AnswerBy > now) break; // They are in order of time.
            entry.GiveUp(completed);
        }
    }

    /// <summary>When the oldest row came in whose caller has no answer; null where there is none.</summary>
    /// <param name="patience">How long after that its caller is answered at the latest.</param>
    public DateTimeOffset? OldestCaller(TimeSpan patience)
    {
        foreach (var entry in entries)
            if (entry.HasCallers) return entry.AnswerBy - patience;
        return filling?.AnswerBy - patience;
    }

    /// <summary>Answers all callers: the gateway ends.</summary>
    /// <returns>What becomes of the rows that were not settled: nobody will hear of those that were sent.</returns>
    public (int NotWritten, int Unknown) Abandon(List<Submission> completed)
    {
        int notWritten = 0, unknown = 0;
        foreach (var entry in filling is null ? entries : entries.Append(filling))
        {
            if (entry.WasSent) unknown += entry.Unsettled;
            else notWritten += entry.Unsettled;
            entry.GiveUp(completed);
        }

        entries.Clear();
        filling = null;
        Rows = 0;
        return (notWritten, unknown);
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
