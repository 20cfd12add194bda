namespace Ingest.Messages;

/// <summary>What a lane's journal keeps.</summary>
public interface IJournalEvent
{
    LaneId Lane { get; }
}

/// <summary>The events of a lane's journal, in the order in which they happened; all incarnations of a lane agree on
/// it.</summary>
public static class JournalEvents
{
    /// <summary>
    /// Rows that are accepted, as they came from their gateway; or, where the envelope skips, positions that nobody
    /// will write any more.
    /// </summary>
    public sealed record RowsTaken(LaneProtocol.Envelope Envelope) : IJournalEvent
    {
        public LaneId Lane => Envelope.Lane;
    }

    /// <summary>
    /// An incarnation of the lane has read everything before this. It takes the number that an older incarnation would
    /// write next, so that whatever that one still has on its way is refused.
    /// </summary>
    public sealed record LaneOpened(LaneId Lane) : IJournalEvent;
}
