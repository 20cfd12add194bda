using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static Ingest.Messages.JournalEvents;
using static Ingest.Messages.WriterProtocol;
using static Ingest.Node.Batching.Journal.JournalMessages;

namespace Ingest.Node.Batching.Journal;

/// <summary>How a journal is opened: it is read from its mark on, checked, and an event is written that keeps older
/// incarnations out.</summary>
internal sealed partial class JournalActor
{
    private JournalMark mark;
    private JournalSequence? opening;
    private bool isProbing;

    private void HandleOpen(Open open)
    {
        generation = open.Generation;
        mark = open.Mark;
        isOpen = false;
        queue.Clear();
        attempt++;
        readBack = null;
        backReader = 0;
        // The event of the mark is never removed, so it must be there.
        opening = new JournalSequence(Math.Max(1, mark.Settled), mark);
        Read();
    }

    private void TakeIn(JournalReader.Read read)
    {
        if (opening!.Take(read.Sequence) is { } missing)
        {
            Close(new Damaged(generation, missing, "an event is missing"));
            return;
        }

        if (read.Sequence > mark.Settled)
            Context.Parent.Tell(new Replayed(generation, read.Sequence, EnvelopeOf(read.Payload)));
    }

    private void EndOpening()
    {
        if (opening!.End(mark.Settled) is { } missing)
        {
            Close(new Damaged(generation, missing, "the journal ends before it"));
            return;
        }

        verifiedAt = askedAt;
        queue.Begin(opening.Next - 1);
        // Whoever else believes to be this lane would write this number next.
        Write([new Persistent(new LaneOpened(lane), queue.Last + 1, PersistenceId)]);
    }

    private void ConfirmOpening()
    {
        opening = null;
        isOpen = true;
        Context.Parent.Tell(new Opened(generation, queue.ConfirmOpening()));
    }

    private void HandleUnreadable(Exception cause)
    {
        if (!JournalSequence.IsDamage(cause))
        {
            PauseAfter(cause);
        }
        else if (opening is null)
        {
            Close(new Overtaken(generation)); // Whoever opens the journal anew sees more.
        }
        else if (!isProbing)
        {
            // The failure may have come before events that could be read: the one at fault fails by itself.
            isProbing = true;
            reader = StartReader(opening.Next, opening.Next, 1);
        }
        else if (!opening.TryForgive())
        {
            Close(new Damaged(generation, opening.Next, cause.GetBaseException().Message));
        }
        else
        {
            log.Error(
                "Event {0} of lane {1} cannot be read and is given up, as its operator has decided",
                opening.Next - 1, lane);
            Read();
        }
    }
}
