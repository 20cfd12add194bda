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

    [LoggerMessage(
        6003, LogLevel.Warning, "Lane {Lane} was written by another incarnation and starts afresh: {Reason}")]
    public static partial void Fenced(this ILogger log, LaneId lane, string reason);

    [LoggerMessage(6004, LogLevel.Error, "The writer of lane {Lane} failed and is restarted")]
    public static partial void WriterFailed(this ILogger log, Exception cause, LaneId lane);

    [LoggerMessage(6005, LogLevel.Warning, "The gateway ends with {Callers} callers unanswered")]
    public static partial void GatewayEnds(this ILogger log, int callers);

    [LoggerMessage(6010, LogLevel.Information, "Lane {Lane} has {Rows} accepted rows to write")]
    public static partial void AcceptedRowsFound(this ILogger log, LaneId lane, long rows);

    [LoggerMessage(6011, LogLevel.Warning, "The journal of lane {Lane} does not work now and is tried again: {Reason}")]
    public static partial void JournalWaits(this ILogger log, LaneId lane, string reason);

    [LoggerMessage(
        6012, LogLevel.Warning, "The journal of lane {Lane} was written by another incarnation; it starts afresh")]
    public static partial void JournalOvertaken(this ILogger log, LaneId lane);

    [LoggerMessage(6013, LogLevel.Error, "{Alarm}")]
    public static partial void JournalDamaged(this ILogger log, string alarm);
}
