using System.Collections.Concurrent;
using Akka.Actor;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Http;
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
    private readonly ConcurrentDictionary<string, TableCounters> counters = new();
    private readonly AdmissionGate gate;
    private readonly Func<string, LaneSettings> settingsOf;
    private IActorRef actor = ActorRefs.Nobody;

    public RowGateway(GatewayOptions options, Func<string, LaneSettings> settingsOf, TimeProvider time)
    {
        gate = new AdmissionGate(options.InFlightRows, options.InFlightBytes);
        this.settingsOf = settingsOf;
        Since = time.GetUtcNow();
    }

    public DateTimeOffset Since { get; }

    /// <summary>True once the node stops: callers are to go elsewhere, though who still comes is served.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Rows admitted and not yet settled.</summary>
    public long InFlightRows => gate.Rows;

    /// <summary>The gateway actor; set once, before the first request.</summary>
    public void Attach(IActorRef gateway) => actor = gateway;

    public Submission Rent(TableDescriptor table)
    {
        var submission = submissions.Get();
        submission.Table = table;
        return submission;
    }

    public void Return(Submission submission)
    {
        submission.Clear();
        submissions.Return(submission);
    }

    public Admission TryAdmit(Submission submission) =>
        Counted(submission, gate.TryEnter(submission.Rows.Count, submission.Rows.Bytes));

    public async ValueTask<Admission> AdmitAsync(Submission submission, CancellationToken cancellation) =>
        Counted(submission, await gate.EnterAsync(submission.Rows.Count, submission.Rows.Bytes, cancellation));

    public ValueTask SubmitAsync(Submission submission)
    {
        var completion = submission.Begin();
        actor.Tell(submission, ActorRefs.NoSender);
        return completion;
    }

    public void CountInvalid(TableDescriptor table, int rows) => CountersOf(table.Name).Refuse(rows);

    public IReadOnlyList<TableAccount> Snapshot() =>
        [.. counters.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry =>
        {
            // Ends are read before beginnings, so that pending is never negative.
            var (committed, rejected, notWritten) = (entry.Value.Committed, entry.Value.Rejected, entry.Value.NotWritten);
            var received = entry.Value.Received;
            return new TableAccount(
                entry.Key, received, committed, rejected, notWritten, received - committed - rejected - notWritten)
            {
                Accepted = entry.Value.Accepted,
                Repeated = entry.Value.Repeated,
            };
        })];

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

    internal LaneSettings SettingsOf(string table) => settingsOf(table);

    internal void Count(string table, SettledCounts counts) => CountersOf(table).Settle(counts);

    /// <summary>Resumes callers off the actor's thread, some at a time.</summary>
    internal void Complete(List<Submission> completed)
    {
        int rows = 0, bytes = 0;
        foreach (var submission in completed)
        {
            rows += submission.Rows.Count;
            bytes += submission.Rows.Bytes;
        }

        gate.Leave(rows, bytes);
        for (var first = 0; first < completed.Count; first += ResumedTogether)
        {
            var count = Math.Min(ResumedTogether, completed.Count - first);
            ThreadPool.UnsafeQueueUserWorkItem(new Resumption(completed.GetRange(first, count)), preferLocal: false);
        }
    }

    private Admission Counted(Submission submission, Admission admission)
    {
        if (admission == Admission.Admitted) CountersOf(submission.Table.Name).Receive(submission.Rows.Count);
        return admission;
    }

    private TableCounters CountersOf(string table) => counters.GetOrAdd(table, static _ => new TableCounters());

    private sealed class Resumption(List<Submission> submissions) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            foreach (var submission in submissions) submission.Complete();
        }
    }
}
