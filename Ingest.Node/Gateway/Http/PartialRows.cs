namespace Ingest.Node.Gateway.Http;

/// <summary>
/// Counts the bytes of rows that have not come in as a whole yet: they are held before anything is admitted, by callers
/// who may be slow on purpose. Thread-safe.
/// </summary>
/// <param name="maxBytes">All of them together at most.</param>
internal sealed class PartialRows(long maxBytes)
{
    private long held;

    /// <summary>Bytes that are held.</summary>
    public long Held => Interlocked.Read(ref held);

    /// <summary>Changes what one request holds.</summary>
    /// <param name="share">What it holds, zero at first; counted back by asking for zero at its end.</param>
    /// <returns>False where all would hold too much; then its share stays as it is.</returns>
    public bool TryHold(ref long share, long bytes)
    {
        var change = bytes - share;
        if (change == 0) return true;
        if (Interlocked.Add(ref held, change) > maxBytes && change > 0)
        {
            Interlocked.Add(ref held, -change);
            return false;
        }

        share = bytes;
        return true;
    }
}
