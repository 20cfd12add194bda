namespace Ingest.Node.Writing;

/// <summary>Rows of a batch by index, counted from 0.</summary>
internal readonly record struct RowRange(int First, int Count)
{
    public int End => First + Count;
}

/// <summary>
/// Finds the bad rows of a batch that failed, in as few attempts as the database's hints allow. Pure: it says which
/// rows to try next, always in order, and is told how that went. Rows that were tried with success stay tried, so each
/// row is judged after all the good ones before it, as if the rows had come one by one.
/// <para>
/// Where the database names the row at fault, that row is tried alone, after the rows before it (which are not proven
/// good: uniqueness is checked some hundreds of rows late). Where it names none, the range is halved. k bad rows among
/// n take O(k log n) attempts.
/// </para>
/// <para>
/// A COPY that fails has sent all of its rows for nothing, so what is tried at once is as long as the last failure
/// makes it look worth while, and twice as long after each success: the rows sent stay in proportion to the batch,
/// whether one row in it is bad or every one.
/// </para>
/// </summary>
internal sealed class IsolationPlan
{
    private readonly Stack<RowRange> untried = [];
    private int window;

    public IsolationPlan(int rows)
    {
        window = Math.Max(rows, 1);
        if (rows > 0) untried.Push(new RowRange(0, rows));
    }

    /// <summary>How many ranges have failed.</summary>
    public int Failures { get; private set; }

    /// <summary>The range to try next.</summary>
    /// <returns>False when each row is either written or rejected.</returns>
    public bool TryNext(out RowRange range)
    {
        if (!untried.TryPop(out range)) return false;
        if (range.Count > window)
        {
            untried.Push(new RowRange(range.First + window, range.Count - window));
            range = new RowRange(range.First, window);
        }

        return true;
    }

    /// <summary>The range that was tried last is written.</summary>
    public void Succeeded() => window = (int)Math.Min(int.MaxValue, 2L * window);

    /// <summary>The range that was tried last failed.</summary>
    /// <param name="named">The row that the database named, by its index in the batch; null where it named
    /// none.</param>
    /// <returns>True where the range is a single row: that row is bad.</returns>
    public bool Failed(RowRange range, int? named)
    {
        Failures++;
        if (range.Count == 1) return true;
        if (named is { } row && row >= range.First && row < range.End)
        {
            var before = row - range.First;
            window = Math.Max(1, 2 * before);
            Push(new RowRange(row + 1, range.End - row - 1));
            Push(new RowRange(row, 1));
            Push(new RowRange(range.First, before));
        }
        else
        {
            var half = range.Count / 2;
            window = half;
            Push(new RowRange(range.First + half, range.Count - half));
            Push(new RowRange(range.First, half));
        }

        return false;
    }

    private void Push(RowRange range)
    {
        if (range.Count > 0) untried.Push(range);
    }
}
