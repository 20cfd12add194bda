using System.Runtime.CompilerServices;

namespace Ingest.Tests;

/// <summary>Waits for what other threads and processes do, which no message announces.</summary>
internal static class Eventually
{
    /// <summary>For a test that does not say how long it may take: the machine may be busy with others.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when the condition holds; fails, and names it, when it does not within the limit.</summary>
    public static async Task TrueAsync(
        Func<Task<bool>> condition,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string? text = null)
    {
        using var limit = new CancellationTokenSource(within ?? Patience);
        while (!await condition())
        {
            if (limit.IsCancellationRequested) Assert.Fail($"Within {within ?? Patience} it did not come true: {text}");
            await Task.Delay(Interval, CancellationToken.None);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan?, string?)"/>
    public static Task TrueAsync(
        Func<bool> condition,
        TimeSpan? within = null,
        [CallerArgumentExpression(nameof(condition))] string? text = null) =>
        TrueAsync(() => Task.FromResult(condition()), within, text);

    /// <summary>Repeats what throws a certain exception, until it does not.</summary>
    public static async Task DoneAsync<TRefusal>(Func<Task> action)
        where TRefusal : Exception
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await action();
                return;
            }
            catch (TRefusal) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(Interval, CancellationToken.None);
            }
        }
    }
}
