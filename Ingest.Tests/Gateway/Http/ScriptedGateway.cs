using System.Collections.Concurrent;
using System.Threading.Channels;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;

namespace Ingest.Tests.Http;

/// <summary>
/// A gateway in this process that gives each row the verdict that a test asks for, when it asks for it. It checks that
/// its users keep the contract: what is rented is returned once, and nothing is returned before it is settled.
/// </summary>
internal sealed class ScriptedGateway : IRowGateway
{
    private readonly ConcurrentDictionary<Submission, bool> rented = new();
    private readonly ConcurrentBag<Submission> pool = [];
    private readonly Channel<Held> held = Channel.CreateUnbounded<Held>();
    private long submittedRows;
    private long invalidRows;

    /// <summary>The verdict of the n-th row, counted from 0.</summary>
    public Func<long, Verdict> Script { get; set; } = _ => Verdict.Committed;

    public Admission Admission { get; set; } = Admission.Admitted;

    /// <summary>Keeps submissions without a verdict until the test takes and releases them.</summary>
    public bool Holds { get; set; }

    public long SubmittedRows => Interlocked.Read(ref submittedRows);

    public long InvalidRows => Interlocked.Read(ref invalidRows);

    /// <summary>Submissions that have not come back.</summary>
    public int Outstanding => rented.Count;

    public Submission Rent(TableDescriptor table)
    {
        if (!pool.TryTake(out var submission)) submission = new Submission();
        submission.Table = table;
        rented[submission] = true;
        return submission;
    }

    public void Return(Submission submission)
    {
        if (!rented.TryRemove(submission, out var isSettled))
            throw new InvalidOperationException("A submission was returned that was not rented.");
        if (!isSettled) throw new InvalidOperationException("A submission was returned before it was settled.");
        submission.Rows.Clear();
        pool.Add(submission);
    }

    public Admission TryAdmit(Submission submission) => Admission;

    public ValueTask<Admission> AdmitAsync(Submission submission, CancellationToken cancellation) =>
        ValueTask.FromResult(Admission == Admission.Full ? Admission.Admitted : Admission);

    public ValueTask SubmitAsync(Submission submission)
    {
        var first = Interlocked.Add(ref submittedRows, submission.Rows.Count) - submission.Rows.Count;
        var completion = submission.Begin(now: 0);
        rented[submission] = false;
        var waiting = new Held(this, submission, first);
        if (Holds) held.Writer.TryWrite(waiting);
        else waiting.Release();
        return completion;
    }

    public void CountInvalid(TableDescriptor table, int rows) => Interlocked.Add(ref invalidRows, rows);

    /// <summary>Waits for the next submission that is held.</summary>
    public Task<Held> TakeHeldAsync() => held.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));

    /// <summary>Keeps submissions until what is returned is disposed, which releases those that are left: so that
    /// whoever waits for them ends, even where the test has failed.</summary>
    public IDisposable Hold()
    {
        Holds = true;
        return new Holding(this);
    }

    private sealed class Holding(ScriptedGateway gateway) : IDisposable
    {
        public void Dispose()
        {
            gateway.Holds = false;
            while (gateway.held.Reader.TryRead(out var left)) left.Release();
        }
    }

    internal sealed class Held(ScriptedGateway gateway, Submission submission, long first)
    {
        public int Rows => submission.Rows.Count;

        /// <summary>Gives each row its verdict, and resumes the caller on this thread.</summary>
        public void Release()
        {
            for (var row = 0; row < submission.Rows.Count; row++) submission.Settle(row, gateway.Script(first + row));
            gateway.rented[submission] = true;
            submission.Complete();
        }
    }
}
