using System.Collections.Concurrent;
using System.Threading.Channels;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;

namespace Ingest.Tests.Gateway.Http;

/// <summary>
/// A gateway in this process that gives each row the verdict that a test asks for, when it asks for it. It checks that
/// its users keep the contract: what is rented is returned once, and nothing is returned before it is settled.
/// </summary>
internal sealed class ScriptedGateway : IRowGateway
{
    private readonly ConcurrentDictionary<Submission, bool> rented = new();
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
        var submission = new Submission { Table = table };
        rented[submission] = true;
        return submission;
    }

    public void Return(Submission submission)
    {
        if (!rented.TryRemove(submission, out var isSettled))
            throw new InvalidOperationException("A submission was returned that was not rented.");
        if (!isSettled) throw new InvalidOperationException("A submission was returned before it was settled.");
    }

    public Admission TryAdmit(Submission submission) => Admission;

    public ValueTask<Admission> AdmitAsync(Submission submission, CancellationToken cancellation) =>
        ValueTask.FromResult(Admission == Admission.Full ? Admission.Admitted : Admission);

    public ValueTask SubmitAsync(Submission submission)
    {
        var first = Interlocked.Add(ref submittedRows, submission.Rows.Count) - submission.Rows.Count;
        if (!Holds)
        {
            Settle(submission, first);
            return ValueTask.CompletedTask;
        }

        rented[submission] = false;
        var waiting = new Held(this, submission, first);
        held.Writer.TryWrite(waiting);
        return new ValueTask(waiting.Completion.Task);
    }

    public void CountInvalid(TableDescriptor table, int rows) => Interlocked.Add(ref invalidRows, rows);

    /// <summary>Waits for the next submission that is held.</summary>
    public Task<Held> TakeHeldAsync() => held.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));

    private void Settle(Submission submission, long first)
    {
        for (var row = 0; row < submission.Rows.Count; row++) submission[row] = Script(first + row);
        rented[submission] = true;
    }

    internal sealed class Held(ScriptedGateway gateway, Submission submission, long first)
    {
        public TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Rows => submission.Rows.Count;

        public void Release()
        {
            gateway.Settle(submission, first);
            Completion.SetResult();
        }
    }
}
