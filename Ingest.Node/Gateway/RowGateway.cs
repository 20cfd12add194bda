using System.Collections.Concurrent;
using Akka.Actor;
using Ingest.Node.Catalog;
using Ingest.Node.Observability;
using Microsoft.Extensions.ObjectPool;

namespace Ingest.Node.Gateway;

/// <summary>
/// The way in for rows on this node: admits them, hands them to the gateway actor, and resumes their callers.
/// </summary>
internal sealed class RowGateway : IRowGateway, IAccounting
{
    /// <summary>Callers resumed by one work item: enough to spare most thread hops, few enough to share the work
    /// out.</summary>
    private const int ResumedTogether = 32;

    /// <summary>Submissions kept for the next callers: as many as callers that wait together, as a rule.</summary>
    private const int Pooled = 4096;

    private readonly DefaultObjectPool<Submission> submissions =
        new(new DefaultPooledObjectPolicy<Submission>(), Pooled);
    private readonly ConcurrentDictionary<string, AdmissionGate> backlogs = new(StringComparer.Ordinal);
    private readonly NodeMetrics metrics;
    private readonly AdmissionGate gate;
    private readonly Func<string, LaneSettings> settingsOf;
    private IActorRef actor = ActorRefs.Nobody;

    public RowGateway(GatewayOptions options, Func<string, LaneSettings> settingsOf, NodeMetrics metrics)
    {
        gate = new AdmissionGate(options.InFlightRows, options.InFlightBytes);
        this.settingsOf = settingsOf;
        this.metrics = metrics;
        metrics.InFlight = () => new InFlight(gate.Rows, gate.Bytes, options.InFlightRows, options.InFlightBytes);
    }

    public DateTimeOffset Since => metrics.Since;

    /// <summary>Tells which lanes of this node are stopped.</summary>
    public Func<IReadOnlyList<StoppedLane>> Stopped { get; init; } = () => [];

    public IReadOnlyList<StoppedLane> StoppedLanes => Stopped();

    /// <summary>True once the node stops: callers are to go elsewhere, though who still comes is served.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Rows admitted and not yet settled.</summary>
    public long InFlightRows => gate.Rows;

    /// <summary>The gateway actor; set once, before the first request.</summary>
    public void Attach(IActorRef gateway) => actor = gateway;

    public Submission Rent(TableDescriptor table)
    {
        var submission = submissions.Get();
        // One that last served the same table spares a look-up by name.
        if (!ReferenceEquals(submission.Table, table))
        {
            (submission.Table, submission.Metrics) = (table, metrics.Of(table.Name));
            submission.Backlog = backlogs.GetOrAdd(
                table.Name, static (name, settingsOf) => settingsOf(name).CreateBacklog(), settingsOf);
        }

        return submission;
    }

    public void Return(Submission submission)
    {
        submission.Clear();
        submissions.Return(submission);
    }

    public Admission TryAdmit(Submission submission)
    {
        var budget = submission.Caller?.Budget;
        if (budget is not null && !budget.TryEnter(submission.Rows.Count)) return Admission.OverLimit;
        var admission = gate.TryEnter(submission.Rows.Count, submission.Rows.Bytes);
        if (admission != Admission.Admitted) budget?.Cancel(submission.Rows.Count);
        return Counted(submission, admission);
    }

    public async ValueTask<Admission> AdmitAsync(Submission submission, CancellationToken cancellation)
    {
        var (rows, bytes, caller) = (submission.Rows.Count, submission.Rows.Bytes, submission.Caller);
        if (caller?.Budget is { } budget && !await budget.EnterAsync(rows, () => IsStopping, cancellation))
            return Admission.Closing;
        var admission = Admission.Closing;
        try
        {
            await submission.Backlog.EnterAsync(rows, bytes, cancellation, caller?.Name);
            submission.IsInBacklog = true;
            admission = await gate.EnterAsync(rows, bytes, cancellation, caller?.Name);
        }
        finally
        {
            if (admission != Admission.Admitted)
            {
                caller?.Budget?.Cancel(rows);
                LeaveBacklog(submission);
            }
        }

        return Counted(submission, admission);
    }

    public ValueTask SubmitAsync(Submission submission)
    {
        var completion = submission.Begin(metrics.Time.GetTimestamp());
        actor.Tell(submission, ActorRefs.NoSender);
        return completion;
    }

    public void CountInvalid(TableDescriptor table, int rows) => metrics.Of(table.Name).Rows.Refuse(rows);

    public IReadOnlyList<TableAccount> Snapshot() =>
        [.. metrics.Tables.OrderBy(table => table.Table, StringComparer.Ordinal).Select(table =>
        {
            var rows = table.Rows;
            // Ends are read before beginnings, so that pending is never negative.
            var (committed, rejected, notWritten, unknown) =
                (rows.Committed, rows.Rejected, rows.NotWritten, rows.Unknown);
            var received = rows.Received;
            var pending = received - committed - rejected - notWritten - unknown;
            return new TableAccount(table.Table, received, committed, rejected, notWritten, pending)
            {
                Accepted = rows.Accepted,
                Repeated = rows.Repeated,
                Unknown = unknown,
            };
        }).Where(account => account is not { Received: 0, Repeated: 0 })];

    /// <summary>
    /// The node stops: what is under way is written at once. A request that still comes over a connection that is open
    /// already is served: the server closes each of them behind its next answer.
    /// </summary>
    public void Hurry()
    {
        IsStopping = true;
        actor.Tell(GatewayActor.Drain.Instance, ActorRefs.NoSender);
    }

    /// <summary>The server has stopped: lets nobody in any more, and has what is under way written at once.</summary>
    public void Drain()
    {
        gate.Close();
        Hurry();
    }

    internal ILogger Log => metrics.Log;

    internal LaneSettings SettingsOf(string table) => settingsOf(table);

    internal TableMetrics MetricsOf(string table) => metrics.Of(table);

    /// <summary>Resumes callers off the actor's thread, some at a time.</summary>
    internal void Complete(List<Submission> completed)
    {
        int rows = 0, bytes = 0;
        var now = metrics.Time.GetTimestamp();
        foreach (var submission in completed)
        {
            submission.Metrics.RecordLatency(submission.SubmittedAt, now);
            rows += submission.Rows.Count;
            bytes += submission.Rows.Bytes;
            submission.Caller?.Budget?.Leave(submission.Rows.Count);
            LeaveBacklog(submission);
        }

        gate.Leave(rows, bytes);
        for (var first = 0; first < completed.Count; first += ResumedTogether)
        {
            var count = Math.Min(ResumedTogether, completed.Count - first);
            ThreadPool.UnsafeQueueUserWorkItem(new Resumption(completed.GetRange(first, count)), preferLocal: false);
        }
    }

    private static void LeaveBacklog(Submission submission)
    {
        if (!submission.IsInBacklog) return;
        submission.IsInBacklog = false;
        submission.Backlog.Leave(submission.Rows.Count, submission.Rows.Bytes);
    }

    private static Admission Counted(Submission submission, Admission admission)
    {
        if (admission == Admission.Admitted) submission.Metrics.Rows.Receive(submission.Rows.Count);
        return admission;
    }

    private sealed class Resumption(List<Submission> submissions) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            foreach (var submission in submissions) submission.Complete();
        }
    }
}
