using Ingest.Node.Observability;
using Ingest.Tests.Bench;
using Microsoft.Extensions.Logging;

namespace Ingest.Tests.Observability;

public sealed class LogLimitTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly Recorder recorder = new();
    private readonly LogLimit limit;
    private readonly ILogger log;

    public LogLimitTests()
    {
        limit = new LogLimit(recorder, time);
        log = limit.CreateLogger("failing");
    }

    [Fact]
    public void Should_leave_out_what_repeats_and_say_so_with_the_next_line()
    {
        for (var line = 0; line < 150; line++) Write(log, 1);
        Assert.Equal(100, recorder.Lines.Count);

        time.Advance(TimeSpan.FromSeconds(10));
        Write(log, 1);
        Write(log, 1);

        Assert.Equal("failing 1 (50 lines of this kind were left out before)", recorder.Lines[^1]);
        Assert.Equal(101, recorder.Lines.Count);
    }

    [Fact]
    public void Should_not_leave_out_other_events_or_other_categories()
    {
        for (var line = 0; line < 150; line++) Write(log, 1);

        Write(log, 2);
        Write(limit.CreateLogger("other"), 1);

        Assert.Equal(["failing 2", "other 1"], recorder.Lines.TakeLast(2));
    }

    [Fact]
    public void Should_allow_a_few_hundred_lines_in_an_hour_of_failure()
    {
        for (var second = 0; second < 3600; second++, time.Advance(TimeSpan.FromSeconds(1))) Write(log, 1);

        Assert.InRange(recorder.Lines.Count, 400, 500);
    }

    public void Dispose() => limit.Dispose();

    private static void Write(ILogger log, int eventId) =>
        log.Log(LogLevel.Warning, new EventId(eventId), eventId, null, static (state, _) => $"{state}");

    private sealed class Recorder : ILoggerProvider
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Category(categoryName, Lines);

        public void Dispose()
        {
        }

        private sealed class Category(string name, List<string> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel,
                EventId eventId,
                TState state,
                Exception? exception,
                Func<TState, Exception?, string> formatter) => lines.Add($"{name} {formatter(state, exception)}");
        }
    }
}
