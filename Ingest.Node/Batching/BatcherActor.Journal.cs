using Akka.Actor;
using Ingest.Messages;
using Ingest.Node.Batching.Journal;
using Ingest.Node.Observability;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using static Ingest.Node.Batching.Journal.JournalMessages;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching;

/// <summary>
/// What a lane does for rows that are to be accepted. They are journaled and, at the same time, wait to be written with
/// the others; whichever is done first answers the caller. Of a backlog that is larger than some batches the lane keeps
/// the first rows in memory, and reads the others back from the journal when it is their turn.
/// </summary>
internal sealed partial class BatcherActor
{
    /// <summary>Bytes that the journal may be asked to take at a time.</summary>
    private const long MaxUnconfirmed = 32 << 20;

    /// <summary>Ranges that one probe is answered with: the newest, whose callers may still wait.</summary>
    private const int RangesTold = 64;

    private const int MaxReadBack = 4096;

    private readonly IActorRef journal;
    private readonly LaneAlarms alarms;
    private readonly Queue<(bool IsHeld, long Bytes)> unconfirmed = [];
    private readonly JournalTimes times;

    private JournalBacklog backlog = new();
    private JournalProgress progress = new(0, TimeSpan.Zero);
    private JournalMark mark;
    private int generation;
    private long unconfirmedBytes;
    private bool isJournalReady;
    private bool isSpilling;
    private bool isReadingBack;

    /// <summary>Rows beyond this many bytes wait in the journal alone: some batches are enough to keep the writer
    /// busy.</summary>
    private long SpillAbove => Math.Min(options.BufferBytes / 2, 4 * options.FlushBytes);

    private void OpenJournal(JournalMark known)
    {
        ForgetJournal();
        mark = known;
        progress = new JournalProgress(known.Settled, times.KeepFor);
        backlog.Begin(known.Settled);
        journal.Tell(new Open(generation, known));
    }

    private void ForgetJournal()
    {
        generation++;
        backlog = new JournalBacklog();
        unconfirmed.Clear();
        unconfirmedBytes = 0;
        isJournalReady = isSpilling = isReadingBack = false;
    }

    private void HandleFirstReplay(Replayed replayed)
    {
        var isHeld = !isSpilling && buffer.BytesHeld < SpillAbove;
        isSpilling |= !isHeld;
        backlog.Add(replayed.Sequence, replayed.Envelope, isHeld);
        if (replayed.Envelope is not { } envelope) return;
        if (isHeld) buffer.TakeBack(envelope, Now);
        else buffer.Leave(envelope);
    }

    private void HandleOpened(Opened opened)
    {
        backlog.Add(opened.Last, null, isHeld: !isSpilling);
        backlog.Settle(buffer.Settled);
        isJournalReady = true;
        doubted = null;
        if (backlog.Rows > 0) metrics.Log.AcceptedRowsFound(lane, backlog.Rows);
        Begin();
    }

    /// <summary>Takes an envelope, by its level.</summary>
    private Offer Take(Envelope envelope)
    {
        var now = Now;
        if (envelope.Acknowledge == Acknowledge.Committed || envelope.IsReminder) return buffer.Offer(envelope, now);
        if (envelope.Last < buffer.Next(envelope.Gateway)) return Offer.Seen;
        // Rows that were sent before may be in the journal by another incarnation, and their caller may know. Then the
        // ledger must not pass them without them, so they are journaled again, or left to the gateway.
        var mayDrop = !envelope.IsResent;
        if (!isJournalReady || (mayDrop && envelope.Deadline <= now))
            return mayDrop ? buffer.Offer(envelope, now) : Offer.Full;
        var bytes = envelope.BytesOf(0, envelope.Count);
        if (backlog.Bytes + unconfirmedBytes + bytes > options.JournalBacklogBytes)
            return mayDrop ? Refuse(envelope) : Offer.Full;
        if (unconfirmedBytes > MaxUnconfirmed) return Offer.Full;
        var isAway = isSpilling || (buffer.BytesHeld > 0 && buffer.BytesHeld + bytes > SpillAbove);
        var offer = isAway
            ? buffer.Offer(envelope, now, isAway: true)
            : buffer.Offer(envelope with { Deadline = DateTimeOffset.MaxValue }, now);
        if (offer == Offer.Accepted) PersistRows(envelope, isHeld: !isAway, bytes);
        return offer;
    }

    /// <summary>The journal holds as much as it may: the positions are passed over.</summary>
    private Offer Refuse(Envelope envelope)
    {
        var next = buffer.Next(envelope.Gateway);
        var skip = envelope with { Runs = [], Keys = [], Acknowledge = Acknowledge.Committed };
        var offer = buffer.Offer(skip, Now);
        if (offer == Offer.Accepted)
            gateways[envelope.Gateway].Tell(new Settled(
                lane, envelope.Gateway, Math.Max(next, envelope.First), envelope.Last, VerdictKind.Overloaded, []));
        return offer;
    }

    /// <param name="isHeld">The rows are in memory and need not be read back. Behind events that are spilled all are
    /// read back, since that is done in order; what is in memory already is then left out.</param>
    private void PersistRows(Envelope envelope, bool isHeld, long bytes)
    {
        isSpilling |= !isHeld;
        unconfirmed.Enqueue((isHeld, bytes));
        unconfirmedBytes += bytes;
        journal.Tell(new Persist(envelope));
    }

    private void HandlePersisted(Persisted persisted)
    {
        var (isHeld, bytes) = unconfirmed.Dequeue();
        unconfirmedBytes -= bytes;
        isJournalReady = true;
        var envelope = persisted.Envelope;
        backlog.Add(persisted.Sequence, envelope, isHeld);
        if (envelope.IsSkip)
        {
            buffer.TakeBack(envelope, Now);
        }
        else
        {
            buffer.Confirm(envelope);
            if (gateways.TryGetValue(envelope.Gateway, out var actor))
                actor.Tell(AcceptedAnswer(envelope.Gateway, envelope.First, envelope.Last));
        }

        backlog.Settle(buffer.Settled);
        StopIfDone();
        FlushIfDue();
    }

    private void TellAccepted(GatewayId gateway)
    {
        foreach (var (first, last) in buffer.Journaled(gateway).TakeLast(RangesTold))
            gateways[gateway].Tell(AcceptedAnswer(gateway, first, last));
    }

    private Settled AcceptedAnswer(GatewayId gateway, long first, long last) =>
        new(lane, gateway, first, last, VerdictKind.Accepted, []);

    private void ReadBackIfRoom()
    {
        // Rows that wait for those that are away do not count: they would keep them away. A gap ends by itself.
        if (!isSpilling || isReadingBack || buffer.BytesInLine > SpillAbove / 2
            || (buffer.BytesHeld > options.BufferBytes && buffer.HasGaps)) return;
        if (!backlog.IsSpilled)
        {
            isSpilling = unconfirmed.Any(one => !one.IsHeld);
            return;
        }

        isReadingBack = true;
        var room = (SpillAbove - buffer.BytesInLine) / Math.Max(1, backlog.SpilledSize);
        var from = backlog.HeldTo + 1;
        journal.Tell(new ReadBack(from, backlog.Last, (int)Math.Clamp(room, 1, MaxReadBack)));
    }

    private void HandleReadBack(Replayed replayed)
    {
        backlog.ReadBack(replayed.Sequence, replayed.Envelope);
        if (replayed.Envelope is { } envelope) buffer.TakeBack(envelope, Now);
    }

    private void HandleReadBackDone(ReadBackDone done)
    {
        isReadingBack = false;
        backlog.Settle(buffer.Settled);
        if (done.IsComplete) FlushIfDue();
    }

    /// <summary>What is not urgent: rows that the journal has yet to get, gaps, what can be removed.</summary>
    private void TendJournal()
    {
        ReadBackIfRoom();
        if (!isJournalReady) return;
        var now = Now;
        foreach (var envelope in buffer.TakeUnjournaled(now))
            PersistRows(envelope, isHeld: !isSpilling, envelope.BytesOf(0, envelope.Count));
        foreach (var skip in buffer.SkipLastingGaps(now)) PersistRows(skip, isHeld: !isSpilling, 0);
        if (progress.TakeRemovable(now) is { } removable) journal.Tell(new Delete(removable));
        if (!progress.TryBegin(backlog.SettledTo, now)) return;
        var isClean = backlog.SettledTo == backlog.Last && unconfirmed.Count == 0;
        writer.Tell(new MarkJournal(lane, backlog.SettledTo, isClean));
    }

    private void HandleWaiting(Waiting waiting)
    {
        isJournalReady = false;
        metrics.Log.JournalWaits(lane, waiting.Reason);
    }

    private void HandleOvertaken()
    {
        metrics.Log.JournalOvertaken(lane);
        StartAfresh();
    }
}
