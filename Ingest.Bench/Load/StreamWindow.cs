namespace Ingest.Bench.Load;

/// <summary>A row of a stream.</summary>
/// <param name="Row">Its number in the load.</param>
/// <param name="Start">The timestamp from which its latency counts.</param>
/// <param name="Sent">The timestamp of its last sending.</param>
public readonly record struct StreamRow(long Row, long Start, long Sent);

/// <summary>
/// The rows of one stream that wait for their verdict, in the order of their lines, at most as many as its capacity.
/// One side sends and adds, the other reads verdicts and takes; they may do so at the same time.
/// </summary>
public sealed class StreamWindow(int capacity)
{
    private readonly Lock gate = new();
    private readonly StreamRow[] rows = new StreamRow[capacity];
    private long added;
    private long taken;

    /// <summary>Rows that may be added now; others can only make it grow.</summary>
    public int Free
    {
        get
        {
            lock (gate) return capacity - (int)(added - taken);
        }
    }

    /// <summary>Rows without verdict.</summary>
    public int Count => capacity - Free;

    /// <summary>When the oldest row was sent; 0 where there is none.</summary>
    public long OldestSent
    {
        get
        {
            lock (gate) return added == taken ? 0 : rows[taken % capacity].Sent;
        }
    }

    /// <exception cref="InvalidOperationException">The window is full.</exception>
    public void Add(StreamRow row)
    {
        lock (gate)
        {
            if (added - taken == capacity) throw new InvalidOperationException("The window is full.");
            rows[added++ % capacity] = row;
        }
    }

    /// <summary>Takes the oldest row, whose line must be <paramref name="line"/>: verdicts come in order.</summary>
    /// <exception cref="InvalidDataException">The verdict is for another line, or for one that was not
    /// sent.</exception>
    public StreamRow Take(long line)
    {
        lock (gate)
        {
            if (line != taken + 1 || taken == added)
                throw new InvalidDataException(
                    $"A verdict for line {line} came where line {taken + 1} of {added} was due.");
            return rows[taken++ % capacity];
        }
    }

    /// <summary>Takes the oldest row, where there is one: its verdict will not come any more.</summary>
    public bool TryTakeOldest(out StreamRow row)
    {
        lock (gate)
        {
            row = added == taken ? default : rows[taken % capacity];
            if (added == taken) return false;
            taken++;
            return true;
        }
    }
}
