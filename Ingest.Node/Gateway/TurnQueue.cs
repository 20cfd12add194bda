namespace Ingest.Node.Gateway;

/// <summary>
/// Waits in line, a line for each caller: callers take turns, and what one of them waits with keeps its order. Who has
/// no name has a line of his own for each thing. Not thread-safe.
/// </summary>
internal sealed class TurnQueue<T>
{
    private readonly Dictionary<string, Queue<T>> lines = [];
    private readonly Queue<(string? Caller, Queue<T> Line)> turns = [];

    public bool IsEmpty => turns.Count == 0;

    public void Enqueue(string? caller, T item)
    {
        if (caller is not null && lines.TryGetValue(caller, out var line))
        {
            line.Enqueue(item);
            return;
        }

        line = new Queue<T>(1);
        line.Enqueue(item);
        if (caller is not null) lines[caller] = line;
        turns.Enqueue((caller, line));
    }

    /// <summary>What is next; false where nothing waits.</summary>
    public bool TryPeek(out T item)
    {
        item = default!;
        return turns.TryPeek(out var turn) && turn.Line.TryPeek(out item!);
    }

    /// <summary>Takes what is next; the one that it was for is last from then on.</summary>
    public T Dequeue()
    {
        var (caller, line) = turns.Dequeue();
        var item = line.Dequeue();
        if (line.Count > 0) turns.Enqueue((caller, line));
        else if (caller is not null) lines.Remove(caller);
        return item;
    }
}
