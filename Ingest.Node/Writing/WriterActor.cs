using Akka.Actor;
using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// Carries out a batcher's requests, one at a time and in order, against a <see cref="ILaneStore"/>. It keeps no state
/// of its own between two requests, so its supervisor may restart it whenever it fails.
/// </summary>
internal sealed class WriterActor : ReceiveActor, IDisposable
{
    private readonly ILaneStore store;
    private readonly CancellationTokenSource stopped = new();
    private readonly Queue<object> requests = [];
    private object? current;

    public WriterActor(ILaneStore store)
    {
        this.store = store;
        Receive<ReadLedger>(Enqueue);
        Receive<Write>(Enqueue);
        Receive<Resolve>(Enqueue);
        Receive<ReadVerdicts>(Enqueue);
        Receive<MarkJournal>(Enqueue);
        Receive<Done>(HandleDone);
    }

    protected override void PreRestart(Exception reason, object message)
    {
        if (current is not null) TellUnfinished(current, isStarted: true, reason);
        foreach (var request in requests) TellUnfinished(request, isStarted: false, reason);
        base.PreRestart(reason, message);
    }

    protected override void PostStop() => stopped.Cancel();

    /// <summary>Called by Akka.NET when the actor has stopped.</summary>
    public void Dispose() => stopped.Dispose();

    /// <summary>Nobody else would tell the batcher about a request that goes with this writer; verdicts are asked for
    /// again by their gateway.</summary>
    private static void TellUnfinished(object request, bool isStarted, Exception reason)
    {
        Failed? answer = request switch
        {
            // What was under way may have been committed before the failure: only the ledger knows.
            Write write => new Failed(
                write.Batch.Id, isStarted ? WriteFailure.InDoubt : WriteFailure.Transient, reason.Message),
            Resolve resolve => new Failed(resolve.Batch.Id, WriteFailure.InDoubt, reason.Message),
            ReadLedger => new Failed(0, WriteFailure.Transient, reason.Message),
            _ => null,
        };
        if (answer is not null) Context.Parent.Tell(answer);
    }

    private void Enqueue(object request)
    {
        requests.Enqueue(request);
        StartNext();
    }

    private void StartNext()
    {
        if (current is not null || !requests.TryDequeue(out current)) return;
        var request = current;
        Run(request, stopped.Token).PipeTo(
            Self,
            success: answer => new Done(request, answer, null),
            failure: cause => new Done(request, null, cause));
    }

    private async Task<object> Run(object request, CancellationToken cancellation) => request switch
    {
        ReadLedger read => await store.ReadLedgerAsync(read.Lane, cancellation),
        Write write => await store.WriteAsync(write.Batch, cancellation),
        Resolve resolve => await store.ResolveAsync(resolve.Batch, cancellation),
        ReadVerdicts read => await store.ReadVerdictsAsync(read.Lane, read.Range, cancellation),
        MarkJournal mark => await store.MarkJournalAsync(mark, cancellation),
        _ => throw new InvalidOperationException($"Unknown request {request.GetType()}."),
    };

    private void HandleDone(Done done)
    {
        // A restarted writer may still hear of a request of its former life; its parent has been told of that one.
        if (!ReferenceEquals(done.Request, current)) return;
        if (done.Failure is { } failure) throw new WriterFailedException(failure);
        current = null;
        Context.Parent.Tell(done.Answer);
        StartNext();
    }

    private sealed record Done(object Request, object? Answer, Exception? Failure);
}

/// <summary>The store failed in a way that it did not foresee; the writer's supervisor decides.</summary>
internal sealed class WriterFailedException(Exception inner) : Exception(inner.Message, inner);
