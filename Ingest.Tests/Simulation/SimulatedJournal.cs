using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Ingest.Messages;

namespace Ingest.Tests.Simulation;

/// <summary>
/// A model of the journal plugin and its table: a number is given out once, what is written in one request is there
/// whole or not at all, and a request may fail, be carried out without an answer, or be carried out after its client
/// has given it up. Each request waits for the driver.
/// </summary>
internal sealed class SimulatedJournal(
    Connections connections, Random random, EventLog log, Coverage coverage, Sabotage sabotage)
{
    private readonly Dictionary<string, SortedDictionary<long, object>> journals = [];

    /// <summary>Events that are there, of all lanes.</summary>
    public int Count => journals.Values.Sum(events => events.Count);

    /// <summary>Takes a request of one incarnation.</summary>
    public void Take(object message, SimulatedStore client)
    {
        _ = message switch
        {
            WriteMessages write => WriteAsync(write, client),
            ReplayMessages replay => ReplayAsync(replay, client),
            DeleteMessagesTo delete => DeleteAsync(delete, client),
            _ => throw new InvalidOperationException($"The model of the journal does not know {message.GetType()}."),
        };
    }

    private async Task WriteAsync(WriteMessages write, SimulatedStore client)
    {
        var events = write.Messages.Cast<AtomicWrite>()
            .SelectMany(one => (IImmutableList<IPersistentRepresentation>)one.Payload).ToList();
        var end = await connections.Wait("write the journal", client, CancellationToken.None);
        var isDone = end is StepEnd.Done or StepEnd.AnswerLost && TryStore(events);
        if (end is not (StepEnd.Done or StepEnd.AnswerLost) && random.Next(2) == 0) _ = StoreLateAsync(events, client);
        foreach (var one in events)
            write.PersistentActor.Tell(
                isDone && end == StepEnd.Done
                    ? new WriteMessageSuccess(one, write.ActorInstanceId)
                    : new WriteMessageFailure(one, new ConnectionLostException("journal"), write.ActorInstanceId),
                ActorRefs.NoSender);
    }

    /// <summary>The server carries out what its client has given up.</summary>
    private async Task StoreLateAsync(List<IPersistentRepresentation> events, SimulatedStore client)
    {
        var end = await connections.Wait("write the journal late", client, CancellationToken.None);
        if (end is not (StepEnd.Done or StepEnd.AnswerLost)) return;
        coverage.Count("journal written late");
        TryStore(events);
    }

    private bool TryStore(List<IPersistentRepresentation> events)
    {
        var id = events[0].PersistenceId;
        if (!journals.TryGetValue(id, out var journal)) journals[id] = journal = [];
        if (events.Exists(one => journal.ContainsKey(one.SequenceNr)))
        {
            coverage.Count("journal number taken");
            return false;
        }

        if (sabotage.HasFlag(Sabotage.JournalForgets)) return true;
        if (sabotage.HasFlag(Sabotage.NoJournalFence) && events[0].Payload is JournalEvents.LaneOpened) return true;
        foreach (var one in events) journal[one.SequenceNr] = one.Payload;
        log.Add($"       {id} has events up to {events[^1].SequenceNr}");
        return true;
    }

    private async Task ReplayAsync(ReplayMessages replay, SimulatedStore client)
    {
        var end = await connections.Wait("read the journal", client, CancellationToken.None);
        if (end is not (StepEnd.Done or StepEnd.AnswerLost))
        {
            replay.PersistentActor.Tell(
                new ReplayMessagesFailure(new ConnectionLostException("journal")), ActorRefs.NoSender);
            return;
        }

        coverage.Count(replay.Max == long.MaxValue ? "journal read" : "journal read back");
        var journal = journals.GetValueOrDefault(replay.PersistenceId) ?? [];
        var events = journal.Where(one => one.Key >= replay.FromSequenceNr && one.Key <= replay.ToSequenceNr).ToList();
        foreach (var (sequence, payload) in events.Take((int)Math.Min(replay.Max, int.MaxValue)))
            replay.PersistentActor.Tell(
                new ReplayedMessage(new Persistent(payload, sequence, replay.PersistenceId)), ActorRefs.NoSender);
        replay.PersistentActor.Tell(new RecoverySuccess(journal.Keys.LastOrDefault()), ActorRefs.NoSender);
    }

    private async Task DeleteAsync(DeleteMessagesTo delete, SimulatedStore client)
    {
        if (await connections.Wait("trim the journal", client, CancellationToken.None) is not StepEnd.Done) return;
        coverage.Count("journal trimmed");
        if (!journals.TryGetValue(delete.PersistenceId, out var journal)) return;
        // Taken away: that only what is settled is removed.
        var to = sabotage.HasFlag(Sabotage.JournalTrimmedTooFar) ? journal.Keys.Last() - 1 : delete.ToSequenceNr;
        foreach (var sequence in journal.Keys.TakeWhile(sequence => sequence <= to).ToList()) journal.Remove(sequence);
    }
}
