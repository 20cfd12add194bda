namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Counts one caller's rows against its limits, whatever keys and connections it uses. Thread-safe.
/// </summary>
internal sealed class CallerBudget(CallerLimits limits, TimeProvider time)
{
    // A node that stops is noticed within this time by those who wait.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly AdmissionGate? gate =
        limits.InFlightRows > 0 ? new AdmissionGate(limits.InFlightRows, long.MaxValue) : null;

    private readonly RowRate? rate = limits.RowsPerSecond > 0 ? new RowRate(limits.RowsPerSecond, time) : null;

    public CallerLimits Limits { get; } = limits;

    /// <summary>Nothing would be forgotten with it.</summary>
    public bool IsIdle => gate is not { Rows: > 0 } && rate is not { IsFull: false };

    /// <summary>Lets rows in, or not, at once.</summary>
    public bool TryEnter(int rows)
    {
        if (gate is not null && gate.TryEnter(rows, 0) != Admission.Admitted) return false;
        if (rate is null || rate.Take(rows) == TimeSpan.Zero) return true;
        gate?.Leave(rows, 0);
        return false;
    }

    /// <summary>Lets rows in when there is room for them.</summary>
    /// <param name="isClosed">The node stops: there is no use in waiting.</param>
    /// <returns>False where the node stops.</returns>
    public async ValueTask<bool> EnterAsync(int rows, Func<bool> isClosed, CancellationToken cancellation)
    {
        if (gate is not null) await gate.EnterAsync(rows, 0, cancellation);
        while (rate is not null && rate.Take(rows) is var wait && wait > TimeSpan.Zero)
        {
            if (isClosed())
            {
                gate?.Leave(rows, 0);
                return false;
            }

            await Task.Delay(wait < LongestWait ? wait : LongestWait, time, cancellation);
        }

        return true;
    }

    /// <summary>Rows that were let in are settled.</summary>
    public void Leave(int rows) => gate?.Leave(rows, 0);

    /// <summary>Rows that were let in here were not let in elsewhere.</summary>
    public void Cancel(int rows)
    {
        gate?.Leave(rows, 0);
        rate?.Return(rows);
    }
}
