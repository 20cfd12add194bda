namespace Ingest.Node.Batching;

/// <summary>
/// The pauses between attempts at something that fails for a while: each twice as long as the one before, from
/// <c>retry-min</c> to <c>retry-max</c>, and between half and all of that. Pure.
/// </summary>
/// <param name="random">Spreads the retries of lanes that failed together.</param>
internal sealed class RetryPause(BatchingOptions options, Random random)
{
    private const int MaxDoublings = 30;

    /// <summary>Failures since it last went well.</summary>
    public int Failures { get; private set; }

    /// <summary>It has failed.</summary>
    /// <returns>How long to wait before it is tried again.</returns>
    public TimeSpan Next()
    {
        var full = Math.Min(
            options.RetryMin.TotalMilliseconds * Math.Pow(2, Math.Min(Failures++, MaxDoublings)),
            options.RetryMax.TotalMilliseconds);
        // Full jitter would now and then retry at once; half keeps the database's relief and still spreads the lanes.
        return TimeSpan.FromMilliseconds(full * (0.5 + random.NextDouble() / 2));
    }

    /// <summary>It went well.</summary>
    public void Reset() => Failures = 0;
}
