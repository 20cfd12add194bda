using Akka.TestKit;

namespace Ingest.Tests.Simulation;

/// <summary>All that is under way between processes and the database; the driver picks what happens to it.</summary>
internal sealed class Connections(SimulatedDatabase database, TestScheduler clock, Random random, EventLog log)
{
    private readonly List<PendingStep> pending = [];
    private readonly List<Attempt> attempts = [];

    public List<PendingStep> Ready() => pending.FindAll(step => step.IsReady);

    public bool IsIdle => pending.Count == 0 && !database.Orphans.Any();

    /// <summary>Attempts whose time is up and that have not noticed yet.</summary>
    public List<Attempt> Late() => attempts.FindAll(attempt => attempt.EndsAt <= clock.Now && !attempt.IsCancelled);

    /// <summary>Ends when the driver picks it.</summary>
    public async Task<StepEnd> Wait(
        string name, SimulatedStore store, CancellationToken cancellation, Func<bool>? isReady = null)
    {
        var step = new PendingStep(name, store, isReady);
        pending.Add(step);
        await using var registration = cancellation.UnsafeRegister(_ => End(step, StepEnd.Cancelled), null);
        return await step.Task;
    }

    public void End(PendingStep step, StepEnd how)
    {
        if (!pending.Remove(step)) return;
        log.Add($"       {step.Store.Name} {step.Name}: {how}");
        step.End(how);
    }

    public Attempt NewAttempt(DateTimeOffset deadline, CancellationToken cancellation)
    {
        var attempt = new Attempt(deadline, attempts, cancellation);
        attempts.Add(attempt);
        return attempt;
    }

    /// <summary>A client is done with a transaction; one that it has not ended is rolled back, at once or when the
    /// server notices that the connection broke. A commit that was sent stays with the server.</summary>
    public void Leave(Transaction transaction)
    {
        if (!database.IsOpen(transaction)) return;
        if (transaction.IsCommitting || random.Next(3) == 0) transaction.IsOrphan = true;
        else database.RollBack(transaction);
    }

    /// <summary>A process is gone: it hears of nothing any more, and the server has yet to notice.</summary>
    public void Forget(SimulatedStore store)
    {
        pending.RemoveAll(step => step.Store == store);
        database.Abandon(store);
    }

    /// <summary>The server stops: all connections break.</summary>
    public void StopDatabase()
    {
        database.Stop(random);
        foreach (var step in pending.Where(step => !step.IsConnect).ToArray()) End(step, StepEnd.ConnectionLost);
    }
}

/// <summary>One attempt to write a batch: the driver cancels it some time after the batch's deadline.</summary>
internal sealed class Attempt : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly List<Attempt> attempts;

    public Attempt(DateTimeOffset endsAt, List<Attempt> attempts, CancellationToken cancellation)
    {
        source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        this.attempts = attempts;
        EndsAt = endsAt;
    }

    public DateTimeOffset EndsAt { get; }

    public bool IsCancelled => source.IsCancellationRequested;

    public CancellationToken Token => source.Token;

    public void Cancel() => source.Cancel();

    public void Dispose()
    {
        attempts.Remove(this);
        source.Dispose();
    }
}
