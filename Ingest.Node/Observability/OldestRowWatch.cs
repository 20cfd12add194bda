namespace Ingest.Node.Observability;

/// <summary>Raises the alarm, by a line in the log, when a row waits for too long, and says when that is
/// over.</summary>
internal sealed partial class OldestRowWatch(
    NodeMetrics metrics, TelemetryOptions options, TimeProvider time, ILogger<OldestRowWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var isRaised = false;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var (table, overdue) = metrics.MostOverdue();
                var isTooOld = overdue > options.OldestRowAlarm;
                if (isTooOld && !isRaised) LogRaised(table, (int)overdue.TotalSeconds);
                if (!isTooOld && isRaised) LogOver();
                isRaised = isTooOld;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    [LoggerMessage(5001, LogLevel.Warning, "Rows for {Table} have waited for {Seconds} s longer than they should")]
    private partial void LogRaised(string table, int seconds);

    [LoggerMessage(5002, LogLevel.Information, "No row waits for too long any more")]
    private partial void LogOver();
}
