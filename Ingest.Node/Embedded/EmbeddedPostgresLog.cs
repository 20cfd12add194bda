namespace Ingest.Node.Embedded;

internal static partial class EmbeddedPostgresLog
{
    [LoggerMessage(
        1000, LogLevel.Information, "PostgreSQL {Major} ({Directory}) makes its data directory in {Cluster}")]
    public static partial void Initializing(ILogger logger, int major, string directory, string cluster);

    [LoggerMessage(1001, LogLevel.Information, "PostgreSQL {Major} runs on 127.0.0.1:{Port}, process {Pid}")]
    public static partial void Started(ILogger logger, int major, int port, int pid);

    [LoggerMessage(1002, LogLevel.Information, "Taking over PostgreSQL, process {Pid}, from a node that was killed")]
    public static partial void TakingOver(ILogger logger, int pid);

    [LoggerMessage(1003, LogLevel.Warning, "PostgreSQL (process {Pid}) died; starting it again")]
    public static partial void Died(ILogger logger, int pid);

    [LoggerMessage(1004, LogLevel.Error, "PostgreSQL could not be started again; the next attempt is in {Delay}")]
    public static partial void NotStartedAgain(ILogger logger, TimeSpan delay, Exception cause);

    [LoggerMessage(1005, LogLevel.Information, "PostgreSQL stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(1006, LogLevel.Information, "Port {Port} was taken by another process in between; trying another")]
    public static partial void PortTaken(ILogger logger, int port);

    [LoggerMessage(1007, LogLevel.Information, "PostgreSQL runs again on 127.0.0.1:{Port}, process {Pid}")]
    public static partial void StartedAgain(ILogger logger, int port, int pid);

    [LoggerMessage(1008, LogLevel.Critical, "PostgreSQL is no longer watched, and will not be started when it dies")]
    public static partial void Unsupervised(ILogger logger, Exception cause);
}
