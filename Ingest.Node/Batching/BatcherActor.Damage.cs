using Akka.Actor;
using Ingest.Messages;
using Ingest.Node.Observability;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using static Ingest.Node.Batching.Journal.JournalMessages;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching;

/// <summary>
/// What a lane does where its journal is not what was written: it makes sure, and then is stopped, for both levels,
/// until an operator gives up what is lost.
/// </summary>
internal sealed partial class BatcherActor
{
    private static readonly TimeSpan LookForForgiveness = TimeSpan.FromSeconds(10);

    private readonly Dictionary<GatewayId, long> suspects = [];

    private JournalMark? doubted;

    /// <summary>A gateway was told that rows are accepted, and nothing is known of them. The journal, read anew, may
    /// know more; else it is not the one that they were written to.</summary>
    private void HandleMissing(Envelope reminder)
    {
        if (mark.Forgiven > 0 && mark.Forgiven >= backlog.Last)
        {
            buffer.Offer(reminder with { Acknowledge = Acknowledge.Committed }, Now);
        }
        else if (suspects.TryGetValue(reminder.Gateway, out var last) && reminder.First <= last
            && !buffer.Knows(new PositionRange(reminder.Gateway, reminder.First, Math.Min(reminder.Last, last))))
        {
            Stop(new Damaged(generation, backlog.Last + 1, "rows that were accepted are not in it"));
        }
        else
        {
            suspects[reminder.Gateway] = reminder.Last;
            StartAfresh();
        }
    }

    /// <summary>
    /// The mark that was read may be an old one: another incarnation may have moved it and removed what is behind. If
    /// it is still the same when it is read again, nobody has.
    /// </summary>
    private void HandleDamaged(Damaged damaged)
    {
        if (doubted == mark)
        {
            Stop(damaged);
            return;
        }

        doubted = mark;
        StartAfresh();
    }

    private void Stop(Damaged damaged)
    {
        var reason = $"The journal of lane {lane} is damaged at event {damaged.Sequence}: "
            + $"{damaged.Reason.TrimEnd('.')}. The lane is stopped. To give up what is lost: "
            + $"UPDATE ingest.journals SET forgiven = {damaged.Sequence} WHERE lane = '{lane}'";
        metrics.Log.JournalDamaged(reason);
        alarms.Raise(lane, reason);
        ForgetJournal();
        writing = null;
        buffer = new LaneBuffer(lane, options);
        foreach (var envelope in early.TakeAll()) HandleWhileStopped(envelope);
        Timers.StartPeriodicTimer(nameof(LookForForgiveness), Retry.Instance, LookForForgiveness);
        Become(Stopped);
    }

    /// <summary>The journal is damaged: nothing is written, so that nothing is skipped, until an operator says
    /// so.</summary>
    private void Stopped()
    {
        Receive<Envelope>(envelope =>
        {
            gateways[envelope.Gateway] = Sender;
            HandleWhileStopped(envelope);
        });
        Receive<Probe>(probe => Sender.Tell(new Expected(lane, probe.Gateway, probe.Base, Full: true)));
        Receive<Retry>(_ => writer.Tell(new ReadLedger(lane)));
        Receive<LedgerRead>(read => read.Journal.Forgiven != mark.Forgiven, _ => Revive());
        Receive<LaneStop>(_ => Context.Stop(Self));
    }

    /// <summary>The lane keeps nothing of the envelope, so its rows are not written by this copy of it.</summary>
    private void HandleWhileStopped(Envelope envelope)
    {
        if (!gateways.TryGetValue(envelope.Gateway, out var actor)) return;
        if (!envelope.Runs.IsEmpty) TellNotWritten(new PositionRange(envelope.Gateway, envelope.First, envelope.Last));
        actor.Tell(new Expected(lane, envelope.Gateway, envelope.First, Full: true));
    }

    private void Revive()
    {
        Timers.Cancel(nameof(LookForForgiveness));
        alarms.Clear(lane);
        suspects.Clear();
        doubted = null;
        StartAfresh();
    }
}
