using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>What actors write into the log: by the host's logger, so that each line is an event with a number and with
/// fields, as all others are.</summary>
internal static partial class ActorLog
{
    [LoggerMessage(6001, LogLevel.Warning, "Lane {Lane} cannot write now and tries again: {Reason}")]
    public static partial void CannotWrite(this ILogger log, LaneId lane, string reason);

    [LoggerMessage(6002, LogLevel.Information, "Lane {Lane} writes again after {Attempts} failed attempts")]
    public static partial void WritesAgain(this ILogger log, LaneId lane, int attempts);

    [LoggerMessage(6003, LogLevel.Warning, "Lane {Lane} was written by another incarnation and starts afresh: {Reason}")]
    public static partial void Fenced(this ILogger log, LaneId lane, string reason);

    [LoggerMessage(6004, LogLevel.Error, "The writer of lane {Lane} failed and is restarted")]
    public static partial void WriterFailed(this ILogger log, Exception cause, LaneId lane);

    [LoggerMessage(6005, LogLevel.Warning, "The gateway ends with {Callers} callers unanswered")]
    public static partial void GatewayEnds(this ILogger log, int callers);
}
