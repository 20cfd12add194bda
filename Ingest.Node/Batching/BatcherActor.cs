using Akka.Actor;
using Ingest.Messages;
using Ingest.Node.Batching.Journal;
using Ingest.Node.Observability;
using static Ingest.Node.Batching.Journal.JournalMessages;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching;

/// <summary>
/// A lane: the sharded entity that takes envelopes in order, batches their rows, and has them written by its child, one
/// batch at a time while the next one fills. <see cref="LaneBuffer"/> decides; this actor performs.
/// </summary>
internal sealed partial class BatcherActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ExpiryTick = TimeSpan.FromMilliseconds(250);

    private readonly LaneId lane;
    private readonly BatchingOptions options;
    private readonly IActorRef writer;
    private readonly RetryPause retries;
    private readonly TableMetrics metrics;
    private readonly LaneGauge gauge;
    private readonly Dictionary<GatewayId, IActorRef> gateways = [];
    private readonly EarlyEnvelopes early;
    private readonly HashSet<GatewayId> asking = [];

    private LaneBuffer buffer;
    private Batch? writing;
    private bool pausing;
    private bool draining;
    private bool stopping;

    /// <param name="writerProps">Makes the child that writes; it speaks <see cref="WriterProtocol"/>.</param>
    /// <param name="random">Spreads the retries of lanes that failed together.</param>
    /// <param name="metrics">Of the lane's table.</param>
    /// <param name="journalProps">Makes the child that keeps the journal; it speaks
    /// <see cref="JournalMessages"/>.</param>
    /// <param name="alarms">Where a lane says that it is stopped.</param>
    public BatcherActor(
        LaneId lane,
        BatchingOptions options,
        Props writerProps,
        Props journalProps,
        Random random,
        TableMetrics metrics,
        LaneAlarms alarms,
        JournalTimes times)
    {
        this.lane = lane;
        this.options = options;
        retries = new RetryPause(options, random);
        this.metrics = metrics;
        gauge = metrics.Open();
        buffer = new LaneBuffer(lane, options);
        early = new EarlyEnvelopes(options.BufferBytes);
        this.alarms = alarms;
        this.times = times;
        writer = Context.ActorOf(writerProps, "writer");
        journal = Context.ActorOf(journalProps, "journal");
        Recovering();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Expire), Expire.Instance, ExpiryTick);
        writer.Tell(new ReadLedger(lane));
    }

    protected override void PostStop()
    {
        metrics.Close(gauge);
        alarms.Clear(lane);
    }

    protected override bool AroundReceive(Receive receive, object message)
    {
        var handled = base.AroundReceive(receive, message);
        var rows = buffer.Rows + (writing?.Count ?? 0) + early.Rows;
        gauge.SetJournal(backlog.Rows, backlog.Bytes + unconfirmedBytes);
        gauge.Set(rows, buffer.BytesHeld + early.Bytes, rows == 0 ? null : buffer.Oldest ?? early.Since);
        return handled;
    }

    // A writer that fails in a way that it did not foresee is restarted; it tells about its batch before it goes.
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(cause =>
        {
            metrics.Log.WriterFailed(cause, lane);
            asking.Clear(); // What it was asked for gateways went with it; they ask again.
            progress.Fail();
            return Directive.Restart;
        });

    private void Open()
    {
        Receive<Envelope>(HandleEnvelope);
        Receive<Probe>(HandleProbe);
        Receive<FlushNow>(_ => HandleFlushNow());
        Receive<FlushDue>(_ => FlushIfDue());
        Receive<Expire>(_ => HandleTick());
        Receive<Written>(HandleWritten);
        Receive<Failed>(HandleFailed);
        Receive<VerdictsRead>(HandleVerdictsRead);
        Receive<Answer>(answer => answer.Generation != generation, _ => { });
        Receive<Persisted>(HandlePersisted);
        Receive<Replayed>(HandleReadBack);
        Receive<ReadBackDone>(HandleReadBackDone);
        Receive<Waiting>(HandleWaiting);
        Receive<Overtaken>(_ => HandleOvertaken());
        Receive<Damaged>(HandleDamaged);
        Receive<JournalMarked>(answer => progress.Confirm(answer.Settled, Now));
        Receive<Retry>(_ => HandleRetry());
        Receive<LaneStop>(_ => HandleStop());
        Receive<StopTimedOut>(_ => Context.Stop(Self));
    }

    private void HandleEnvelope(Envelope envelope)
    {
        if (stopping) return; // The gateway sends it again, to the lane's next incarnation.
        gateways[envelope.Gateway] = Sender;
        Accept(envelope);
        FlushIfDue();
    }

    private void Accept(Envelope envelope)
    {
        var actor = gateways[envelope.Gateway];
        var settled = buffer.Settled(envelope.Gateway);
        if (envelope.First <= settled)
        {
            AskVerdicts(new PositionRange(envelope.Gateway, envelope.First, Math.Min(envelope.Last, settled)));
        }

        switch (Take(envelope))
        {
            case Offer.Gap:
                metrics.LaneEvents.Note(LaneEvent.Gap);
                actor.Tell(new Expected(lane, envelope.Gateway, buffer.Next(envelope.Gateway), Full: false));
                break;
            case Offer.Full:
                metrics.LaneEvents.Note(LaneEvent.Full);
                actor.Tell(new Expected(lane, envelope.Gateway, buffer.Next(envelope.Gateway), Full: true));
                break;
            case Offer.Seen:
                metrics.LaneEvents.Note(LaneEvent.Duplicate);
                break;
            case Offer.Missing:
                HandleMissing(envelope);
                break;
            case Offer.Accepted:
                break;
        }
    }

    private void HandleProbe(Probe probe)
    {
        if (stopping) return;
        gateways[probe.Gateway] = Sender;
        var settled = Math.Min(buffer.Settled(probe.Gateway), probe.Next - 1);
        if (probe.Base <= settled) AskVerdicts(new PositionRange(probe.Gateway, probe.Base, settled));
        TellAccepted(probe.Gateway);
        Sender.Tell(new Expected(lane, probe.Gateway, Math.Max(buffer.Next(probe.Gateway), probe.Base), Full: false));
    }

    /// <summary>
    /// Asks the ledger on a gateway's behalf, for one range at a time and not too long a one: a gateway that misses
    /// more asks again.
    /// </summary>
    private void AskVerdicts(PositionRange range)
    {
        if (!asking.Add(range.Gateway)) return;
        var last = Math.Min(range.Last, range.First + BatchAnswers.MaxPositions - 1);
        writer.Tell(new ReadVerdicts(lane, range with { Last = last }));
    }

    private void HandleFlushNow()
    {
        draining = true;
        FlushIfDue();
    }

    private void HandleExpire()
    {
        foreach (var range in buffer.Expire(Now)) TellNotWritten(range);
    }

    private void HandleTick()
    {
        HandleExpire();
        TendJournal();
        StopIfDone();
    }

    private void HandleVerdictsRead(VerdictsRead read)
    {
        asking.Remove(read.Range.Gateway);
        if (!gateways.TryGetValue(read.Range.Gateway, out var actor)) return;
        foreach (var settled in BatchAnswers.For(lane, read)) actor.Tell(settled);
    }

    private void HandleStop()
    {
        stopping = draining = true;
        Timers.StartSingleTimer(nameof(StopTimedOut), StopTimedOut.Instance, options.StopTimeout);
        FlushIfDue();
    }

    private void TellNotWritten(PositionRange range)
    {
        if (gateways.TryGetValue(range.Gateway, out var actor))
            actor.Tell(new Settled(lane, range.Gateway, range.First, range.Last, VerdictKind.NotWritten, []));
    }

    private sealed record FlushDue
    {
        public static readonly FlushDue Instance = new();
    }

    private sealed record Expire
    {
        public static readonly Expire Instance = new();
    }

    private sealed record Retry
    {
        public static readonly Retry Instance = new();
    }

    private sealed record StopTimedOut
    {
        public static readonly StopTimedOut Instance = new();
    }
}
