using Akka.Actor;
using Akka.Dispatch;
using Ingest.Messages;
using Ingest.Node.Observability;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Gateway;

/// <summary>
/// Groups the rows of this node's callers into envelopes for lanes, keeps each until it is settled, and completes the
/// callers. An envelope waits for nothing but its turn: it holds what came in while others had the threads.
/// </summary>
internal sealed class GatewayActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ResendSpacing = TimeSpan.FromMilliseconds(100);

    // A new one for each incarnation, since positions start at 1 again.
    private readonly GatewayId id = GatewayId.New(Context.System.Scheduler.Now);
    private readonly GatewayOptions options;
    private readonly RowGateway owner;
    private readonly IActorRef lanes;
    private readonly Dictionary<string, TableLanes> tables = [];
    private readonly List<LaneWindow> filling = [];
    private readonly List<Submission> completed = [];
    private readonly List<Rejection> rejected = [];
    private readonly Sealing sealing;
    private Submission? interrupted;
    private bool draining;
    private bool sealScheduled;

    /// <param name="owner">Knows the tables' lanes, and takes back what is completed.</param>
    /// <param name="lanes">The shard region of the lanes.</param>
    public GatewayActor(GatewayOptions options, RowGateway owner, IActorRef lanes)
    {
        this.options = options;
        this.owner = owner;
        this.lanes = lanes;
        sealing = new Sealing(Self);
        Receive<Submission>(HandleSubmission);
        Receive<SealAll>(_ => HandleSealAll());
        Receive<Settled>(HandleSettled);
        Receive<Expected>(HandleExpected);
        Receive<Tick>(_ => HandleTick());
        Receive<Drain>(_ => HandleDrain());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    private IEnumerable<LaneWindow> Windows => tables.Values.SelectMany(table => table.Windows);

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);

    protected override void PreRestart(Exception reason, object message)
    {
        interrupted = message as Submission;
        base.PreRestart(reason, message);
    }

    protected override void PostStop()
    {
        foreach (var table in tables.Values)
        {
            table.Metrics.NoteOldestCaller(null);
            foreach (var window in table.Windows)
            {
                var (notWritten, unknown, accepted) = window.Abandon(completed);
                table.Metrics.Rows.Accept(-accepted);
                table.Metrics.Rows.Settle(0, notWritten, 0);
                table.Metrics.Rows.Forget(unknown);
            }
        }

        // Rows that were being taken in when the actor failed, and have come to no window.
        if (interrupted is { } submission && submission.SettleRest(Verdict.NotWritten) is > 0 and var rest)
        {
            submission.Metrics.Rows.Settle(0, rest, 0);
            completed.Add(submission);
        }

        if (completed.Count > 0) owner.Log.GatewayEnds(completed.Count);
        Complete();
    }

    private void HandleSubmission(Submission submission)
    {
        var table = LanesOf(submission.Table.Name);
        var level = submission.Acknowledge ?? table.Acknowledge;
        if (level == Acknowledge.Accepted && !table.IsAwake) Wake(table);
        for (var row = 0; row < submission.Rows.Count;)
        {
            var window = table.Choose();
            if (window.IsFilling && window.Level != level) Send(window);
            if (!window.IsFilling)
            {
                window.Open(Now + options.RequestTimeout, level);
                filling.Add(window);
            }

            row += window.Append(submission, row, submission.Rows.Count - row, options);
            if (row < submission.Rows.Count) Send(window);
        }

        // What came in while this message waited is in the mailbox before it, and goes into the same envelope. So it
        // waits among the threads' work first, behind the requests that are there and whose rows are still to come.
        if (filling.Count > 0 && !sealScheduled)
        {
            sealScheduled = true;
            Context.Dispatcher.Schedule(sealing);
        }
    }

    /// <summary>Has all lanes of a table start, since one that never ran cannot while the database is down, and the
    /// others alone might have to take what is accepted then.</summary>
    private void Wake(TableLanes table)
    {
        table.IsAwake = true;
        foreach (var window in table.Windows) lanes.Tell(new Probe(window.Lane, id, Base: 1, Next: 1));
    }

    private void HandleSealAll()
    {
        sealScheduled = false;
        while (filling.Count > 0) Send(filling[^1]);
    }

    private void Send(LaneWindow window)
    {
        filling.Remove(window);
        var envelope = window.Seal(Now, options.AnswerMargin);
        if (window.IsHeld) return; // It is sent when the lane has room again.
        lanes.Tell(envelope);
        if (draining) lanes.Tell(new FlushNow(window.Lane));
    }

    private void HandleSettled(Settled settled)
    {
        if (settled.Gateway != id || WindowOf(settled.Lane) is not { } window) return; // For a former incarnation.
        window.Hear();
        var counts = window.Settle(settled, completed, rejected);
        var rows = tables[settled.Lane.Table].Metrics.Rows;
        rows.Settle(counts.Committed, counts.NotWritten, counts.Repeated);
        rows.Accept(counts.Accepted);
        foreach (var rejection in rejected) rows.Reject(rejection);
        rejected.Clear();
        Complete();
    }

    private void HandleExpected(Expected expected)
    {
        if (expected.Gateway != id || WindowOf(expected.Lane) is not { } window) return;
        window.Hear();
        window.IsHeld = expected.Full;
        if (expected.Full) return; // The next tick asks again.
        foreach (var envelope in window.Resend(expected.Next, Now, ResendSpacing))
        {
            tables[expected.Lane.Table].Metrics.LaneEvents.Note(LaneEvent.Resend);
            lanes.Tell(envelope);
        }
    }

    private void HandleTick()
    {
        var now = Now;
        foreach (var table in tables.Values)
        {
            DateTimeOffset? oldest = null;
            foreach (var window in table.Windows)
            {
                if (window.IsEmpty && !window.IsHeld) continue;
                window.GiveUp(now, completed);
                if (window.OldestCaller(options.RequestTimeout) is { } since && !(oldest <= since)) oldest = since;
                if (window.Probe(now, options.ProbeAfter) is not { } probe) continue;
                table.Metrics.LaneEvents.Note(LaneEvent.Probe);
                lanes.Tell(probe);
                if (draining) lanes.Tell(new FlushNow(window.Lane));
            }

            table.Metrics.NoteOldestCaller(oldest);
        }

        Complete();
    }

    /// <summary>The node stops: what lanes hold is not to wait for company.</summary>
    private void HandleDrain()
    {
        draining = true;
        foreach (var window in Windows)
            if (!window.IsEmpty) lanes.Tell(new FlushNow(window.Lane));
    }

    private void Complete()
    {
        if (completed.Count == 0) return;
        owner.Complete(completed);
        completed.Clear();
    }

    private TableLanes LanesOf(string table)
    {
        if (!tables.TryGetValue(table, out var lanes))
            tables[table] = lanes = new TableLanes(table, id, owner.SettingsOf(table), owner.MetricsOf(table));
        return lanes;
    }

    private LaneWindow? WindowOf(LaneId lane) =>
        tables.TryGetValue(lane.Table, out var table) && lane.Number < table.Windows.Length
            ? table.Windows[lane.Number]
            : null;

    /// <summary>The node stops: flush, whatever the age.</summary>
    public sealed record Drain
    {
        public static readonly Drain Instance = new();
    }

    private sealed record SealAll
    {
        public static readonly SealAll Instance = new();
    }

    private sealed class Sealing(IActorRef gateway) : IRunnable
    {
        public void Run() => gateway.Tell(SealAll.Instance, ActorRefs.NoSender);

        public void Execute() => Run();
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }
}
