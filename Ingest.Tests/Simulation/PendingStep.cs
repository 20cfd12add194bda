namespace Ingest.Tests.Simulation;

/// <summary>How a round trip to the database ended.</summary>
internal enum StepEnd
{
    Done,

    /// <summary>The connection broke: no answer.</summary>
    ConnectionLost,

    /// <summary>The server took the COMMIT, and its answer was lost.</summary>
    AnswerLost,

    /// <summary>The server reports an error, and has rolled back.</summary>
    Refused,

    /// <summary>Something fails that nobody foresaw.</summary>
    Unforeseen,

    Cancelled,
}

/// <summary>A round trip to the database that waits for the driver to say how it ends.</summary>
/// <param name="isReady">False while it waits for a lock.</param>
internal sealed class PendingStep(string name, SimulatedStore store, Func<bool>? isReady)
{
    // Whoever ends the step runs what comes after it, on the driver's thread: that is what makes a run repeatable.
    private readonly TaskCompletionSource<StepEnd> end = new(TaskCreationOptions.None);

    public string Name => name;

    public SimulatedStore Store => store;

    public Task<StepEnd> Task => end.Task;

    public bool IsReady => isReady is null || isReady();

    public bool IsConnect => ReferenceEquals(name, SimulatedStore.Connect);

    public bool IsCommit =>
        ReferenceEquals(name, SimulatedStore.Commit) || ReferenceEquals(name, SimulatedStore.AtOnce);

    public void End(StepEnd how) => end.TrySetResult(how);
}

/// <summary>The connection to the database broke, or could not be made.</summary>
internal sealed class ConnectionLostException(string message) : Exception(message);

/// <summary>The server reported an error that has nothing to do with the rows.</summary>
internal sealed class StatementRefusedException() : Exception("refused");

/// <summary>A fault of the program itself.</summary>
internal sealed class UnforeseenException() : Exception("unforeseen");
