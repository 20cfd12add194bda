namespace Ingest.Bench.Load;

/// <summary>The pauses between attempts of one thing: growing, jittered, and bounded in all.</summary>
public sealed class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(5);

    private readonly TimeProvider time;
    private readonly TimeSpan giveUpAfter;
    private readonly long since;
    private TimeSpan next = First;

    public Backoff(TimeProvider time, TimeSpan giveUpAfter)
    {
        this.time = time;
        this.giveUpAfter = giveUpAfter;
        since = time.GetTimestamp();
    }

    /// <summary>It has been tried for long enough.</summary>
    public bool IsOver => time.GetElapsedTime(since) >= giveUpAfter;

    /// <summary>
    /// The next pause: never shorter than a server's <c>Retry-After</c> of at most five seconds, and up to half as long
    /// again, for callers that were refused together must not come back together.
    /// </summary>
    public TimeSpan Next(int? retryAfterSeconds)
    {
        var pause = retryAfterSeconds is > 0 and { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, 3_600)) : next;
        if (pause > LongestRetryAfter) pause = LongestRetryAfter;
        next = next * 2 < Longest ? next * 2 : Longest;
        // Jitter needs no secrecy.
#pragma warning disable CA5394
        return pause * (1 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394
    }

    /// <summary>Waits for <see cref="Next"/>, or until the load is stopped.</summary>
    public async Task PauseAsync(int? retryAfterSeconds, CancellationToken stopping)
    {
        try
        {
            await Task.Delay(Next(retryAfterSeconds), time, stopping);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at the token before it does anything else.
        }
    }
}
