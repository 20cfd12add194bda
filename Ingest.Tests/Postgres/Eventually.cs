using Ingest.Node.Embedded;

namespace Ingest.Tests.Postgres;

/// <summary>Waits for what other processes do, which no message announces.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when the condition holds; fails when it does not within a minute.</summary>
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
            await Task.Delay(Interval, limit.Token);
    }

    /// <summary>Repeats what the server refuses while the remains of a killed one are still there.</summary>
    public static async Task DoneAsync(Func<Task> action)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            try
            {
                await action();
                return;
            }
            catch (EmbeddedPostgresException) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(Interval, CancellationToken.None);
            }
        }
    }
}
