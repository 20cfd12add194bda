using Akka.Actor;
using Ingest.Node.Batching.Journal;
using static Ingest.Node.Batching.Journal.JournalMessages;

namespace Ingest.Tests.Batching;

/// <summary>A journal that is empty and takes everything at once, for tests that are about something else.</summary>
internal sealed class OpenJournal : ReceiveActor
{
    public OpenJournal()
    {
        var (generation, last) = (0, 0L);
        Receive<Open>(open =>
        {
            generation = open.Generation;
            last = open.Mark.Settled + 1;
            Sender.Tell(new Opened(generation, last));
        });
        Receive<Persist>(persist => Sender.Tell(new Persisted(generation, ++last, persist.Envelope)));
        Receive<Delete>(_ => { });
    }
}
