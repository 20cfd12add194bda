using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Ingest.Messages;
using static Ingest.Messages.JournalEvents;
using static Ingest.Node.Batching.Journal.JournalMessages;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Node.Batching.Journal;

/// <summary>
/// Keeps the journal of one lane, as its child. It speaks to the Akka.Persistence plugin itself, by the messages that
/// a persistent actor would send: one that fails to persist has to stop and read its whole journal again, which may
/// hold gigabytes while a table is locked; this one reads only what it does not know.
/// <para>
/// The plugin refuses a sequence number that is taken. So of two incarnations of a lane that write, only one can know
/// what the journal holds, and the other one finds out at its next write. That holds as long as events are kept: who
/// has neither read nor written for a while reads first (<see cref="JournalTimes"/>).
/// </para>
/// </summary>
internal sealed partial class JournalActor : ReceiveActor, IWithTimers
{
    /// <summary>The circuit breaker of the plugin answers much sooner; this is for a plugin that is gone.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly LaneId lane;
    private readonly IActorRef plugin;
    private readonly BatchingOptions options;
    private readonly RetryPause retries;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly JournalQueue queue = new();
    private readonly JournalTimes times;

    private int generation;
    private bool isOpen;
    private int reads;
    private int reader;
    private int attempt;
    private DateTimeOffset verifiedAt;
    private DateTimeOffset askedAt;

    /// <param name="plugin">The journal plugin of the lanes.</param>
    public JournalActor(
        LaneId lane, BatchingOptions options, IActorRef plugin, Random random, JournalTimes times)
    {
        this.times = times;
        this.lane = lane;
        this.options = options;
        this.plugin = plugin;
        retries = new RetryPause(options, random);
        Receive<Open>(HandleOpen);
        Receive<Persist>(persist => HandlePersist(persist.Envelope));
        Receive<ReadBack>(HandleReadBack);
        Receive<Delete>(delete => plugin.Tell(new DeleteMessagesTo(PersistenceId, delete.To, Self)));
        Receive<JournalReader.Read>(HandleRead);
        Receive<JournalReader.ReadEnded>(HandleReadEnded);
        Receive<WriteMessageSuccess>(HandleWritten);
        Receive<WriteMessageFailure>(failure => HandleNotWritten(failure.ActorInstanceId, failure.Cause));
        Receive<WriteMessageRejected>(rejected => throw new InvalidOperationException(
            "The journal cannot serialize an event.", rejected.Cause));
        Receive<WriteTimedOut>(timeout => HandleNotWritten(
            timeout.Attempt, new TimeoutException("the journal does not answer")));
        Receive<Retry>(_ => Read());
        Receive<RetryReadBack>(_ => Context.Parent.Tell(new ReadBackDone(generation, IsComplete: false)));
        Receive<DeleteMessagesFailure>(failure =>
            log.Debug("Old events of lane {0} stay for now: {1}", lane, failure.Cause.Message));
        Receive<IJournalResponse>(_ => { }); // What goes with the answers above, and answers that came too late.
        Receive<DeleteMessagesSuccess>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreRestart(Exception reason, object message)
    {
        Context.Parent.Tell(new Overtaken(generation)); // What was under way goes with this instance.
        base.PreRestart(reason, message);
    }

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    private string PersistenceId => $"lane/{lane}";

    /// <summary>Reads what is not known yet.</summary>
    private void Read()
    {
        Timers.Cancel(nameof(Retry));
        isProbing = false;
        if (opening is null && !isOpen) return;
        queue.BeginReading();
        askedAt = Now;
        reader = StartReader(opening?.Next ?? queue.Last + 1, long.MaxValue, long.MaxValue);
    }

    private int StartReader(long from, long to, long max)
    {
        var id = ++reads;
        var props = Props.Create(() => new JournalReader(id, plugin, PersistenceId, from, to, max, Patience));
        Context.ActorOf(props);
        return id;
    }

    private void HandleRead(JournalReader.Read read)
    {
        if (read.Id == backReader) TakeBack(read);
        else if (read.Id != reader) return;
        else if (opening is not null) TakeIn(read);
        else queue.Read(read.Sequence, EnvelopeOf(read.Payload));
    }

    private void HandleReadEnded(JournalReader.ReadEnded ended)
    {
        if (ended.Id == backReader)
        {
            HandleReadBackEnded(ended);
            return;
        }

        if (ended.Id != reader) return;
        reader = 0;
        if (ended.Cause is not null) HandleUnreadable(ended.Cause);
        else if (isProbing) Read();
        else if (opening is not null) EndOpening();
        else Resume();
    }

    /// <summary>Goes on with what was under way and is not there.</summary>
    private void Resume()
    {
        if (queue.IsOvertaken)
        {
            Close(new Overtaken(generation));
            return;
        }

        retries.Reset();
        verifiedAt = askedAt;
        for (var confirmed = queue.Found; confirmed > 0; confirmed--) Confirm();
        queue.PutBack();
        WriteNext();
    }

    private void HandlePersist(Envelope envelope)
    {
        if (!isOpen) return; // The lane hears why, if it has not yet.
        queue.Add(envelope);
        if (reader == 0 && !Timers.IsTimerActive(nameof(Retry))) WriteNext();
    }

    private void WriteNext()
    {
        if (!queue.IsReady) return;
        if (Now - verifiedAt > times.TrustFor) Read();
        else Write([.. queue.TakeNext().Select(EventOf)]);
    }

    private void Write(List<Persistent> events)
    {
        attempt++;
        askedAt = Now;
        plugin.Tell(new WriteMessages(events.Select(one => new AtomicWrite(one)), Self, attempt));
        Timers.StartSingleTimer(nameof(WriteTimedOut), new WriteTimedOut(attempt), Patience);
    }

    private void HandleWritten(WriteMessageSuccess written)
    {
        if (written.ActorInstanceId != attempt) return;
        if (Now - verifiedAt > times.KeepFor - times.TrustFor)
        {
            // In all that time the number may have been taken, and removed again.
            HandleNotWritten(attempt, new TimeoutException("the journal has answered too late"));
            return;
        }

        retries.Reset();
        if (opening is null) Confirm();
        else ConfirmOpening();
        if (queue.IsUnderWay) return;
        verifiedAt = askedAt;
        Timers.Cancel(nameof(WriteTimedOut));
        WriteNext();
    }

    private void Confirm()
    {
        var (sequence, envelope) = queue.Confirm();
        Context.Parent.Tell(new Persisted(generation, sequence, envelope));
    }

    private void HandleNotWritten(int failed, Exception cause)
    {
        if (failed != attempt) return;
        attempt++;
        Timers.Cancel(nameof(WriteTimedOut));
        if (opening is not null) opening = new JournalSequence(queue.Last + 1, mark);
        PauseAfter(cause);
    }

    private void PauseAfter(Exception cause)
    {
        if (retries.Failures == 0) Context.Parent.Tell(new Waiting(generation, cause.GetBaseException().Message));
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, retries.Next());
    }

    private void Close(Answer why)
    {
        isOpen = false;
        opening = null;
        readBack = null;
        reader = backReader = 0;
        attempt++;
        queue.Clear();
        Timers.CancelAll();
        Context.Parent.Tell(why);
    }

    private Persistent EventOf((long Sequence, Envelope Envelope) next) =>
        new(new RowsTaken(next.Envelope), next.Sequence, PersistenceId);

    private static Envelope? EnvelopeOf(object payload) => (payload as RowsTaken)?.Envelope;

    private sealed record Retry
    {
        public static readonly Retry Instance = new();
    }

    private sealed record WriteTimedOut(int Attempt);
}
