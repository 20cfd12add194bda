using System.Threading.Channels;

namespace Ingest.Messages.Client;

/// <summary>
/// The rows of a client: those that wait to be sent, in order, and those that were sent and wait for their verdicts, by
/// number. Thread-safe. How many there are is for <see cref="InFlight"/> to bound.
/// </summary>
internal sealed class Outbox
{
    /// <summary>Rows in one message, and their bytes: what the node takes in one piece.</summary>
    private const int MessageRows = 512;
    private const int MessageBytes = 64 * 1024;

    private readonly Lock sync = new();
    private readonly Dictionary<ulong, PendingRow> sent = [];
    private readonly Channel<bool> signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Queue<PendingRow> waiting = [];
    private ulong next = 1;
    private long sends;

    /// <summary>Adds a row behind the others, for the first time or again.</summary>
    public void Add(PendingRow row)
    {
        lock (sync) waiting.Enqueue(row);
        signal.Writer.TryWrite(true);
    }

    /// <summary>No row will be added any more.</summary>
    public void Close() => signal.Writer.TryComplete();

    /// <summary>Waits until rows wait to be sent.</summary>
    /// <returns>False once there are none and no more will come.</returns>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        while (true)
        {
            lock (sync)
                if (waiting.Count > 0) return true;
            if (!await signal.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                lock (sync) return waiting.Count > 0;
            }

            signal.Reader.TryRead(out _);
        }
    }

    /// <summary>Takes rows for one message: of one target, with consecutive numbers. They count as sent.</summary>
    public void Take(List<PendingRow> message)
    {
        lock (sync)
        {
            var bytes = 0;
            while (waiting.TryPeek(out var row) && message.Count < MessageRows)
            {
                if (message.Count > 0 && !Fits(row, message[^1], bytes)) return;
                waiting.Dequeue();
                row.Number = NumberOf(row);
                next = Math.Max(next, row.Number + 1);
                row.SentAs = ++sends;
                sent.Add(row.Number, row);
                message.Add(row);
                bytes += row.Json.Length;
            }
        }
    }

    /// <summary>Takes the rows that have a verdict now; a number that is not known is passed over.</summary>
    public void Settle(ulong first, ulong count, List<PendingRow?> settled)
    {
        lock (sync)
        {
            for (var number = first; number - first < count; number++)
            {
                sent.Remove(number, out var row);
                settled.Add(row);
            }
        }
    }

    /// <summary>The stream has ended: takes all rows that were sent and have no verdict, in the order of
    /// sending.</summary>
    public List<PendingRow> TakeUnsettled()
    {
        lock (sync)
        {
            var unsettled = sent.Values.OrderBy(row => row.SentAs).ToList();
            sent.Clear();
            return unsettled;
        }
    }

    /// <summary>Has rows sent again, before the others.</summary>
    public void RetryFirst(IEnumerable<PendingRow> rows)
    {
        lock (sync) waiting = new Queue<PendingRow>(rows.Concat(waiting));
        signal.Writer.TryWrite(true);
    }

    /// <summary>Takes the waiting rows that have been there for too long.</summary>
    public List<PendingRow> TakeExpired(Func<PendingRow, bool> isExpired)
    {
        lock (sync)
        {
            var expired = waiting.Where(isExpired).ToList();
            if (expired.Count > 0) waiting = new Queue<PendingRow>(waiting.Except(expired));
            return expired;
        }
    }

    private bool Fits(PendingRow row, PendingRow last, int bytes) =>
        row.Target == last.Target && NumberOf(row) == last.Number + 1 && bytes + row.Json.Length <= MessageBytes;

    private ulong NumberOf(PendingRow row) => row.Number > 0 ? row.Number : next;
}
