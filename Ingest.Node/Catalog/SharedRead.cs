namespace Ingest.Node.Catalog;

/// <summary>
/// Lets callers at the same time share one run of an operation that reads something. A caller never gets a run that had
/// begun before he asked, since it may have missed what he is asking for: he waits for the one after it. Thread-safe.
/// </summary>
internal sealed class SharedRead(Func<Task> read)
{
    private readonly Lock gate = new();
    private Task? running;
    private Task? next;

    /// <summary>Completes when a run has ended that began after this call.</summary>
    public Task RunAsync()
    {
        lock (gate)
        {
            if (running is null) return running = Task.Run(RunOneAsync);
            return next ??= RunAfterAsync(running);
        }
    }

    private async Task RunAfterAsync(Task before)
    {
        // Whether the run before failed is for those who wait for it.
        await before.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await RunOneAsync();
    }

    private async Task RunOneAsync()
    {
        try
        {
            await read();
        }
        finally
        {
            lock (gate)
            {
                running = next;
                next = null;
            }
        }
    }
}
