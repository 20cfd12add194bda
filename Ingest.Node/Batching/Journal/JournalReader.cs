using Akka.Actor;
using Akka.Persistence;

namespace Ingest.Node.Batching.Journal;

/// <summary>
/// Reads events of one journal once, for its parent, and stops. The journal's answers name no request: so that they
/// are not taken for those to another one, each request has a reader of its own.
/// </summary>
internal sealed class JournalReader : ReceiveActor
{
    private readonly int id;

    /// <param name="plugin">The journal plugin.</param>
    /// <param name="patience">How long the journal may be silent.</param>
    public JournalReader(
        int id, IActorRef plugin, string persistenceId, long from, long to, long max, TimeSpan patience)
    {
        this.id = id;
        Receive<ReplayedMessage>(one =>
            Context.Parent.Tell(new Read(id, one.Persistent.SequenceNr, one.Persistent.Payload)));
        Receive<RecoverySuccess>(_ => End(null));
        Receive<ReplayMessagesFailure>(failure => End(failure.Cause));
        Receive<ReceiveTimeout>(_ => End(new TimeoutException("the journal does not answer")));
        SetReceiveTimeout(patience);
        plugin.Tell(new ReplayMessages(from, to, max, persistenceId, Self));
    }

    private void End(Exception? cause)
    {
        Context.Parent.Tell(new ReadEnded(id, cause));
        Context.Stop(Self);
    }

    /// <summary>An event.</summary>
    public sealed record Read(int Id, long Sequence, object Payload);

    /// <summary>There are no more.</summary>
    /// <param name="Cause">Why the rest could not be read; null where all was.</param>
    public sealed record ReadEnded(int Id, Exception? Cause);
}
