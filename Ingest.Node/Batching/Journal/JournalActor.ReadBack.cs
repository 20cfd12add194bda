using Akka.Actor;
using static Ingest.Node.Batching.Journal.JournalMessages;

namespace Ingest.Node.Batching.Journal;

/// <summary>Reads events once more that the lane has let go of, beside what is written meanwhile.</summary>
internal sealed partial class JournalActor
{
    private JournalSequence? readingBack;
    private ReadBack? readBack;
    private int readBackCount;
    private int backReader;

    private void HandleReadBack(ReadBack request)
    {
        if (!isOpen) return;
        readBack = request;
        readBackCount = 0;
        readingBack = new JournalSequence(request.From, mark);
        backReader = StartReader(request.From, request.To, request.Max);
    }

    private void TakeBack(JournalReader.Read read)
    {
        readBackCount++;
        if (readingBack!.Take(read.Sequence) is { } missing)
            Close(new Damaged(generation, missing, "an event is missing"));
        else
            Context.Parent.Tell(new Replayed(generation, read.Sequence, EnvelopeOf(read.Payload)));
    }

    private void HandleReadBackEnded(JournalReader.ReadEnded ended)
    {
        backReader = 0;
        if (JournalSequence.IsDamage(ended.Cause))
        {
            // Opened anew, the journal tells which event it is, and whether its loss is accepted.
            Close(new Overtaken(generation));
        }
        else if (ended.Cause is not null)
        {
            Timers.StartSingleTimer(nameof(RetryReadBack), RetryReadBack.Instance, options.RetryMax);
        }
        else if (readBackCount < readBack!.Max && readingBack!.End(readBack.To) is { } missing)
        {
            Close(new Damaged(generation, missing, "the journal ends before it"));
        }
        else
        {
            Context.Parent.Tell(new ReadBackDone(generation, IsComplete: true));
        }
    }

    private sealed record RetryReadBack
    {
        public static readonly RetryReadBack Instance = new();
    }
}
