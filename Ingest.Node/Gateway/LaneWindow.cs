using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>
/// What a gateway has sent to one lane and not seen settled: it numbers the rows, makes envelopes, keeps them, and
/// finds the callers of what is settled. Pure; all times are handed in.
/// </summary>
internal sealed class LaneWindow(LaneId lane, GatewayId gateway)
{
    private readonly LinkedList<WindowEntry> entries = [];
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

    /// <summary>The level of the rows that wait for <see cref="Seal"/>.</summary>
    public Acknowledge Level => filling?.Level ?? default;

    private long Base => entries.First?.Value.FirstUnsettled ?? filling?.First ?? next;

    /// <summary>Begins an envelope.</summary>
    /// <param name="answerBy">When its callers are answered at the latest.</param>
    /// <param name="level">What its callers ask for.</param>
    public void Open(DateTimeOffset answerBy, Acknowledge level = default) =>
        filling = new WindowEntry(next, answerBy, level);

    /// <summary>Adds rows of a submission, from row <paramref name="first"/> on, to the envelope that was
    /// opened.</summary>
    /// <returns>How many were taken, which may be none; the rest is for the next envelope, after
    /// <see cref="Seal"/>.</returns>
    public int Append(Submission submission, int first, int count, GatewayOptions options)
    {
        var entry = filling ?? throw new InvalidOperationException("There is no envelope to fill.");
        var taken = entry.Append(submission, first, count, options);
        if (taken > 0 && entry.Level == Acknowledge.Accepted)
            submission.AddReceipt(first, new Receipt(lane, gateway, next, entry.AnswerBy - options.RequestTimeout));
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
        entries.AddLast(entry);
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
        if (now - askedAt < after && (!IsHeld || IsEmpty)) return null;
        if (!IsHeld && (entries.First is not { } oldest || now - oldest.Value.SentAt < after)) return null;
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
        if (settled.Outcome == VerdictKind.Accepted) return Accept(settled, completed);
        var counts = default(SettledCounts);
        foreach (var entry in entries)
        {
            if (entry.First > settled.Last) break;
            if (entry.Last >= settled.First) counts += entry.Settle(settled, completed, rejected);
        }

        Rows -= counts.Total;
        while (entries.First is { Value.IsSettled: true }) entries.RemoveFirst();
        return counts;
    }

    /// <summary>Rows are in the journal: their callers are answered, and their bytes let go. Their positions are kept
    /// until they are settled; neighbours become one, since there may be any number of them.</summary>
    /// <returns>How many rows are accepted by it.</returns>
    private SettledCounts Accept(Settled accepted, List<Submission> completed)
    {
        var rows = 0;
        for (var node = entries.First; node is not null && node.Value.First <= accepted.Last; node = node.Next)
        {
            if (node.Value.FirstUnsettled < accepted.First || node.Value.Last > accepted.Last) continue;
            rows += node.Value.Accept(completed);
            if (node.Previous is not { } previous || !previous.Value.TryExtend(node.Value)) continue;
            entries.Remove(node);
            node = previous;
        }

        return new SettledCounts(0, 0, 0) { Accepted = rows };
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
    /// <returns>What becomes of the rows that were not settled: nobody will hear of those that were sent; how many of
    /// these are accepted.</returns>
    public (int NotWritten, int Unknown, int Accepted) Abandon(List<Submission> completed)
    {
        int notWritten = 0, unknown = 0, accepted = 0;
        foreach (var entry in filling is null ? entries : entries.Append(filling))
        {
            if (entry.WasSent) unknown += entry.Unsettled;
            else notWritten += entry.Unsettled;
            if (entry.IsAccepted) accepted += entry.Unsettled;
            entry.GiveUp(completed);
        }

        entries.Clear();
        filling = null;
        Rows = 0;
        return (notWritten, unknown, accepted);
    }
}

/// <summary>Rows that were settled, by kind.</summary>
/// <param name="Repeated">Rows that were not written, since they repeat one that was.</param>
internal readonly record struct SettledCounts(int Committed, int Rejected, int NotWritten, int Repeated = 0)
{
    /// <summary>By how much the number of accepted rows that wait has changed; not part of the total.</summary>
    public int Accepted { get; init; }

    public int Total => Committed + Rejected + NotWritten + Repeated;

    public static SettledCounts operator +(SettledCounts left, SettledCounts right) => new(
        left.Committed + right.Committed,
        left.Rejected + right.Rejected,
        left.NotWritten + right.NotWritten,
        left.Repeated + right.Repeated) { Accepted = left.Accepted + right.Accepted };
}
