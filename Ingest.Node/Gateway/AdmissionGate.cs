namespace Ingest.Node.Gateway;

/// <summary>
/// Counts rows and bytes in flight against their limits. Thread-safe. Who asks without waiting is refused at the
/// limits; who waits is let in below three quarters of them, in order, so that streams, which fill whatever they are
/// given, leave room for single rows. Of those who wait, callers take turns.
/// </summary>
internal sealed class AdmissionGate(long maxRows, long maxBytes)
{
    private readonly Lock sync = new();
    private readonly TurnQueue<Waiter> waiters = new();
    private bool closed;

    /// <summary>Rows in flight.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes in flight.</summary>
    public long Bytes { get; private set; }

    public bool IsClosed
    {
        get { lock (sync) return closed; }
    }

    public Admission TryEnter(int rows, int bytes)
    {
        lock (sync)
        {
            if (closed) return Admission.Closing;
            // An idle node takes anything, so that one row larger than the limit is not refused for ever.
            if (Rows > 0 && (Rows + rows > maxRows || Bytes + bytes > maxBytes)) return Admission.Full;
            Count(rows, bytes);
            return Admission.Admitted;
        }
    }

    /// <param name="caller">Who waits in one line; null: each time in a line of its own.</param>
    public ValueTask<Admission> EnterAsync(
        int rows, int bytes, CancellationToken cancellation, string? caller = null)
    {
        Waiter waiter;
        lock (sync)
        {
            if (closed) return ValueTask.FromResult(Admission.Closing);
            if (waiters.IsEmpty && HasRoomForWaiters(rows, bytes))
            {
                Count(rows, bytes);
                return ValueTask.FromResult(Admission.Admitted);
            }

            waiter = new Waiter(rows, bytes);
            waiters.Enqueue(caller, waiter);
        }

        return WaitAsync(waiter, cancellation);
    }

    public void Leave(int rows, int bytes)
    {
        lock (sync)
        {
            Count(-rows, -bytes);
            while (waiters.TryPeek(out var next))
            {
                if (next.Task.IsCanceled) waiters.Dequeue();
                else if (!HasRoomForWaiters(next.Rows, next.Bytes)) return;
                else if (waiters.Dequeue().TrySetResult(Admission.Admitted)) Count(next.Rows, next.Bytes);
            }
        }
    }

    /// <summary>Lets nobody in any more, those who wait included.</summary>
    public void Close()
    {
        lock (sync)
        {
            closed = true;
            while (!waiters.IsEmpty) waiters.Dequeue().TrySetResult(Admission.Closing);
        }
    }

    private static async ValueTask<Admission> WaitAsync(Waiter waiter, CancellationToken cancellation)
    {
        await using var registration = cancellation.UnsafeRegister(
            static (state, token) => ((Waiter)state!).TrySetCanceled(token), waiter);
        return await waiter.Task;
    }

    private bool HasRoomForWaiters(int rows, int bytes) =>
        Rows == 0 || (Rows + rows <= maxRows / 4 * 3 && Bytes + bytes <= maxBytes / 4 * 3);

    private void Count(int rows, int bytes)
    {
        Rows += rows;
        Bytes += bytes;
    }

    private sealed class Waiter(int rows, int bytes)
        : TaskCompletionSource<Admission>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Rows { get; } = rows;

        public int Bytes { get; } = bytes;
    }
}
