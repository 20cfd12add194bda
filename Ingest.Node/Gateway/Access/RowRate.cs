namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Rows a second: a bucket that holds one second's rows, and is filled all the time. Rows that come together are let in
/// while there is anything in it, and what they are too many has to be waited for before the next. Thread-safe.
/// </summary>
internal sealed class RowRate(int rowsPerSecond, TimeProvider time)
{
    private readonly Lock sync = new();
    private double rows = rowsPerSecond;
    private long filledAt = time.GetTimestamp();

    /// <summary>True where nothing has been taken for so long that the bucket is full.</summary>
    public bool IsFull
    {
        get
        {
            lock (sync)
            {
                Fill();
                return rows >= rowsPerSecond;
            }
        }
    }

    /// <summary>Takes rows.</summary>
    /// <returns>Zero; or how long to wait before there is anything, and then nothing was taken.</returns>
    public TimeSpan Take(int count)
    {
        lock (sync)
        {
            Fill();
            if (rows < 1) return TimeSpan.FromSeconds((1 - rows) / rowsPerSecond);
            rows -= count;
            return TimeSpan.Zero;
        }
    }

    /// <summary>Puts rows back that were taken and then not let in.</summary>
    public void Return(int count)
    {
        lock (sync) rows = Math.Min(rowsPerSecond, rows + count);
    }

    private void Fill()
    {
        var now = time.GetTimestamp();
        rows = Math.Min(rowsPerSecond, rows + (time.GetElapsedTime(filledAt, now).TotalSeconds * rowsPerSecond));
        filledAt = now;
    }
}
