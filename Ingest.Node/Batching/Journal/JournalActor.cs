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

    private const int MaxEventsAtOnce = 64;
    private const long MaxBytesAtOnce = 8 << 20;

    private readonly LaneId lane;
    private readonly IActorRef plugin;
    private readonly BatchingOptions options;
    private readonly Random random;
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Queue<Envelope> queue = [];
    private readonly Queue<Envelope> underWay = [];
    private readonly List<Envelope> found = [];
    private readonly JournalTimes times;

    private int generation;
    private Ingest.Messages.WriterProtocol.JournalMark mark;
    private long last;
    private bool isOpen;
    private JournalSequence? opening;
    private int reads;
    private int reader;
    private int attempt;
    private int failures;
    private bool isProbing;
    private bool isOvertaken;
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
        this.random = random;
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

    private void HandleOpen(Open open)
    {
        generation = open.Generation;
        mark = open.Mark;
        isOpen = false;
        queue.Clear();
        underWay.Clear();
        attempt++;
        readBack = null;
        backReader = 0;
        // The event of the mark is never removed, so it must be there.
        opening = new JournalSequence(Math.Max(1, mark.Settled), mark);
        Read();
    }

    /// <summary>Reads what is not known yet.</summary>
    private void Read()
    {
        Timers.Cancel(nameof(Retry));
        isProbing = false;
        if (opening is null && !isOpen) return;
        found.Clear();
        isOvertaken = false;
        askedAt = Now;
        reader = StartReader(opening?.Next ?? last + 1, long.MaxValue, long.MaxValue);
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
        else TakeOwn(read);
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

    /// <summary>What was written and not confirmed may be there; anything else is another incarnation's.</summary>
    private void TakeOwn(JournalReader.Read read)
    {
        var own = underWay.ElementAtOrDefault(found.Count);
        isOvertaken |= read.Sequence != last + 1 + found.Count || own is null || !IsSame(own, EnvelopeOf(read.Payload));
        if (!isOvertaken) found.Add(own!);
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

    private void EndOpening()
    {
        if (opening!.End(mark.Settled) is { } missing)
        {
            Close(new Damaged(generation, missing, "the journal ends before it"));
            return;
        }

        verifiedAt = askedAt;
        last = opening.Next - 1;
        // Whoever else believes to be this lane would write this number next.
        Write([new Persistent(new LaneOpened(lane), last + 1, PersistenceId)]);
    }

    /// <summary>Goes on with what was under way and is not there.</summary>
    private void Resume()
    {
        if (isOvertaken)
        {
            Close(new Overtaken(generation));
            return;
        }

        failures = 0;
        verifiedAt = askedAt;
        for (var confirmed = found.Count; confirmed > 0; confirmed--) Confirm();
        var rest = underWay.Concat(queue).ToList();
        underWay.Clear();
        queue.Clear();
        foreach (var envelope in rest) queue.Enqueue(envelope);
        WriteNext();
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

    private void HandlePersist(Envelope envelope)
    {
        if (!isOpen) return; // The lane hears why, if it has not yet.
        queue.Enqueue(envelope);
        if (reader == 0 && !Timers.IsTimerActive(nameof(Retry))) WriteNext();
    }

    private void WriteNext()
    {
        if (underWay.Count > 0 || queue.Count == 0) return;
        if (Now - verifiedAt > times.TrustFor)
        {
            Read();
            return;
        }

        var events = new List<Persistent>();
        long bytes = 0;
        while (events.Count < MaxEventsAtOnce && bytes < MaxBytesAtOnce && queue.TryDequeue(out var envelope))
        {
            underWay.Enqueue(envelope);
            bytes += envelope.BytesOf(0, envelope.Runs.IsEmpty ? 0 : envelope.Count);
            events.Add(new Persistent(new RowsTaken(envelope), last + underWay.Count, PersistenceId));
        }

        Write(events);
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

        failures = 0;
        if (opening is null)
        {
            Confirm();
        }
        else
        {
            opening = null;
            isOpen = true;
            Context.Parent.Tell(new Opened(generation, ++last));
        }

        if (underWay.Count > 0) return;
        verifiedAt = askedAt;
        Timers.Cancel(nameof(WriteTimedOut));
        WriteNext();
    }

    private void Confirm() => Context.Parent.Tell(new Persisted(generation, ++last, underWay.Dequeue()));

    private void HandleNotWritten(int failed, Exception cause)
    {
        if (failed != attempt) return;
        attempt++;
        Timers.Cancel(nameof(WriteTimedOut));
        if (opening is not null) opening = new JournalSequence(last + 1, mark);
        PauseAfter(cause);
    }

    private void PauseAfter(Exception cause)
    {
        if (failures == 0) Context.Parent.Tell(new Waiting(generation, cause.GetBaseException().Message));
        var full = Math.Min(
            options.RetryMin.TotalMilliseconds * Math.Pow(2, Math.Min(failures++, 30)),
            options.RetryMax.TotalMilliseconds);
        Timers.StartSingleTimer(
            nameof(Retry), Retry.Instance, TimeSpan.FromMilliseconds(full * (0.5 + random.NextDouble() / 2)));
    }

    private void Close(Answer why)
    {
        isOpen = false;
        opening = null;
        readBack = null;
        reader = backReader = 0;
        attempt++;
        queue.Clear();
        underWay.Clear();
        Timers.CancelAll();
        Context.Parent.Tell(why);
    }

    private static Envelope? EnvelopeOf(object payload) => (payload as RowsTaken)?.Envelope;

    private static bool IsSame(Envelope own, Envelope? read) =>
        read is not null && own.Gateway == read.Gateway && own.First == read.First && own.Count == read.Count;

    private sealed record Retry
    {
        public static readonly Retry Instance = new();
    }

    private sealed record WriteTimedOut(int Attempt);
}
