using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Console;

namespace Ingest.Node.Observability;

/// <summary>
/// Lets each kind of log line through a hundred times, and then six times a minute: whatever fails, and however often,
/// an hour of it stays within some megabytes. The line that comes next says how many were left out. A kind is a
/// category, a level and an event's number, of which a program has few. Thread-safe.
/// </summary>
internal sealed class LogLimit(ILoggerProvider target, TimeProvider time) : ILoggerProvider
{
    private const int Burst = 100;

    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(string Category, LogLevel Level, int Event), Allowance> allowances = new();

    public ILogger CreateLogger(string categoryName) =>
        new LimitedLogger(target.CreateLogger(categoryName), categoryName, this);

    public void Dispose() => target.Dispose();

    private bool Admits(string category, LogLevel level, EventId eventId, out int leftOut) =>
        allowances.GetOrAdd((category, level, eventId.Id), static _ => new Allowance())
            .TryTake(time.GetElapsedTime(0), out leftOut);

    /// <summary>A token bucket that counts whom it turned away.</summary>
    private sealed class Allowance
    {
        private readonly Lock sync = new();
        private TimeSpan fullAt;
        private int refused;

        /// <param name="now">Since the clock began.</param>
        public bool TryTake(TimeSpan now, out int leftOut)
        {
            lock (sync)
            {
                leftOut = refused;
                var next = (fullAt > now ? fullAt : now) + Refill;
                if (next - now > Burst * Refill)
                {
                    refused++;
                    return false;
                }

                fullAt = next;
                refused = 0;
                return true;
            }
        }
    }

    private sealed class LimitedLogger(ILogger target, string category, LogLimit limit) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => target.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => target.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!limit.Admits(category, logLevel, eventId, out var leftOut)) return;
            if (leftOut == 0) target.Log(logLevel, eventId, state, exception, formatter);
            else target.Log(logLevel, eventId, state, exception, (lines, error) =>
                $"{formatter(lines, error)} ({leftOut} lines of this kind were left out before)");
        }
    }
}

internal static class LogLimitExtensions
{
    /// <summary>Puts the limit before the console, which was added before.</summary>
    public static void LimitRepeats(this ILoggingBuilder logging, TimeProvider time)
    {
        var console = logging.Services.Single(service => service.ImplementationType == typeof(ConsoleLoggerProvider));
        logging.Services.Remove(console);
        logging.Services.AddSingleton<ILoggerProvider>(services =>
            new LogLimit(ActivatorUtilities.CreateInstance<ConsoleLoggerProvider>(services), time));
    }
}
