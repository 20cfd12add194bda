using Akka.Actor;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using static Ingest.Node.Batching.Journal.JournalMessages;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching;

/// <summary>How a lane begins: it reads ledger and journal, and keeps what comes meanwhile.</summary>
internal sealed partial class BatcherActor
{
    /// <summary>The ledger has not been read: nothing is accepted, since nobody knows yet what was written.</summary>
    private void Recovering()
    {
        Receive<Envelope>(HandleEarly);
        Receive<Probe>(probe => gateways[probe.Gateway] = Sender);
        Receive<FlushNow>(_ => draining = true);
        Receive<Expire>(_ => ExpireEarly());
        Receive<LedgerRead>(HandleLedgerRead);
        Receive<Answer>(answer => answer.Generation != generation, _ => { });
        Receive<Replayed>(HandleFirstReplay);
        Receive<Opened>(HandleOpened);
        Receive<Waiting>(HandleWaiting);
        Receive<Damaged>(HandleDamaged);
        Receive<Failed>(failed => failed.BatchId == 0, failed => PauseAfter(failed));
        Receive<Retry>(_ => writer.Tell(new ReadLedger(lane)));
        Receive<LaneStop>(_ => Context.Stop(Self));
    }

    private void HandleEarly(Envelope envelope)
    {
        gateways[envelope.Gateway] = Sender;
        if (!early.TryAdd(envelope, Now))
            Sender.Tell(new Expected(lane, envelope.Gateway, envelope.First, Full: true));
    }

    private void ExpireEarly()
    {
        foreach (var range in early.Expire(Now)) TellNotWritten(range);
    }

    private void HandleLedgerRead(LedgerRead read)
    {
        buffer = new LaneBuffer(lane, options);
        foreach (var (gateway, position) in read.Positions) buffer.Recover(gateway, position);
        NoteSuccess();
        OpenJournal(read.Journal);
    }

    /// <summary>Ledger and journal have been read.</summary>
    private void Begin()
    {
        NoteSuccess();
        Become(Open);
        var opened = generation;
        foreach (var envelope in early.TakeAll())
        {
            Accept(envelope);
            if (generation != opened) return; // The lane starts afresh, or is stopped; gateways send again.
        }

        // Gateways may wait for answers that a former incarnation owed them; this makes them send again at once.
        foreach (var (gateway, actor) in gateways)
            actor.Tell(new Expected(lane, gateway, buffer.Next(gateway), Full: false));
        FlushIfDue();
    }

    /// <summary>Forgets everything and begins from the ledger; the gateways send again what they keep.</summary>
    private void StartAfresh()
    {
        if (stopping)
        {
            Context.Stop(Self);
            return;
        }

        writing = null;
        asking.Clear();
        buffer = new LaneBuffer(lane, options);
        ForgetJournal();
        Timers.Cancel(nameof(FlushDue));
        Become(Recovering);
        writer.Tell(new ReadLedger(lane));
    }
}
