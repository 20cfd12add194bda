namespace Ingest.Tests.Http;

/// <summary>Waits for what another thread is about to do and nobody tells.</summary>
internal static class Eventually
{
    public static async Task IsAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition()) await timer.WaitForNextTickAsync(limit.Token);
    }
}
