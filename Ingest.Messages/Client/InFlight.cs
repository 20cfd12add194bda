namespace Ingest.Messages.Client;

/// <summary>
/// Bounds the rows and bytes that wait for their results. Thread-safe; who waits is let in in order.
/// </summary>
internal sealed class InFlight(int maxRows, long maxBytes)
{
    private readonly Lock sync = new();
    private readonly Queue<(TaskCompletionSource Room, int Bytes)> waiters = [];
    private TaskCompletionSource? empty;
    private int rows;
    private long bytes;

    /// <summary>Waits until a row of this size may come in.</summary>
    public ValueTask EnterAsync(int size, CancellationToken cancellation)
    {
        TaskCompletionSource room;
        lock (sync)
        {
            if (waiters.Count == 0 && HasRoomFor(size))
            {
                Count(1, size);
                return ValueTask.CompletedTask;
            }

            room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiters.Enqueue((room, size));
        }

        return WaitAsync(room, cancellation);
    }

    public void Leave(int size)
    {
        lock (sync)
        {
            Count(-1, -size);
            while (waiters.TryPeek(out var next))
            {
                // Who has given up makes way, also where there is no room.
                if (next.Room.Task.IsCanceled) waiters.Dequeue();
                else if (!HasRoomFor(next.Bytes)) return;
                else if (waiters.Dequeue().Room.TrySetResult()) Count(1, next.Bytes);
            }

            if (rows == 0) empty?.TrySetResult();
        }
    }

    /// <summary>Waits until no row is in flight.</summary>
    public Task WaitUntilEmptyAsync()
    {
        lock (sync)
        {
            if (rows == 0) return Task.CompletedTask;
            empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return empty.Task;
        }
    }

    private static async ValueTask WaitAsync(TaskCompletionSource room, CancellationToken cancellation)
    {
        await using var registration = cancellation.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), room);
        await room.Task.ConfigureAwait(false);
    }

    private bool HasRoomFor(int size) => rows == 0 || (rows < maxRows && bytes + size <= maxBytes);

    private void Count(int rowsMore, int bytesMore)
    {
        rows += rowsMore;
        bytes += bytesMore;
    }
}
