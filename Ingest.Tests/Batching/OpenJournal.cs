using Akka.Actor;
using static Ingest.Node.Batching.Journal.JournalMessages;

namespace Ingest.Tests.Batching;

/// <summary>A journal that is empty and takes everything at once, for tests that are about something else.</summary>
internal sealed class OpenJournal : ReceiveActor
{
    /// <param name="opened">Hears when the lane has been told that the journal is open.</param>
    public OpenJournal(IActorRef opened)
    {
        var (generation, last) = (0, 0L);
        Receive<Open>(open =>
        {
            generation = open.Generation;
            last = open.Mark.Settled + 1;
            var answer = new Opened(generation, last);
            Sender.Tell(answer);
            opened.Tell(answer);
        });
        Receive<Persist>(persist => Sender.Tell(new Persisted(generation, ++last, persist.Envelope)));
        Receive<Delete>(_ => { });
    }
}
