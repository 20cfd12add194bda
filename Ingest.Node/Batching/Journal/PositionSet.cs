namespace Ingest.Node.Batching.Journal;

/// <summary>Positions of one gateway, as few ranges as possible, in order. Pure.</summary>
internal sealed class PositionSet
{
    private readonly SortedList<long, long> ranges = [];

    public bool IsEmpty => ranges.Count == 0;

    /// <summary>The ranges, both ends included.</summary>
    public IEnumerable<(long First, long Last)> Ranges => ranges.Select(range => (range.Key, range.Value));

    public void Add(long first, long last)
    {
        var index = IndexOf(first);
        if (index >= 0 && ranges.Values[index] >= first - 1)
        {
            first = ranges.Keys[index];
            last = Math.Max(last, ranges.Values[index]);
            ranges.RemoveAt(index);
        }

        for (index = IndexOf(first) + 1; index < ranges.Count && ranges.Keys[index] <= last + 1;)
        {
            last = Math.Max(last, ranges.Values[index]);
            ranges.RemoveAt(index);
        }

        ranges[first] = last;
    }

    public void Remove(long first, long last)
    {
        while (true)
        {
            var index = IndexOf(last);
            if (index < 0 || ranges.Values[index] < first) return;
            var (start, end) = (ranges.Keys[index], ranges.Values[index]);
            ranges.RemoveAt(index);
            if (end > last) ranges[last + 1] = end;
            if (start < first) ranges[start] = first - 1;
        }
    }

    /// <summary>The last position of the range that holds one; null where none does.</summary>
    public long? EndOf(long position) =>
        IndexOf(position) is >= 0 and var index && ranges.Values[index] >= position ? ranges.Values[index] : null;

    /// <summary>The first position that is in the set, from one on; null where there is none.</summary>
    public long? FirstFrom(long position)
    {
        if (EndOf(position) is not null) return position;
        var index = IndexOf(position) + 1;
        return index < ranges.Count ? ranges.Keys[index] : null;
    }

    /// <summary>The last range that begins at or before a position; -1 where there is none.</summary>
    private int IndexOf(long position)
    {
        int low = 0, high = ranges.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (ranges.Keys[middle] <= position) low = middle + 1;
            else high = middle - 1;
        }

        return high;
    }
}
