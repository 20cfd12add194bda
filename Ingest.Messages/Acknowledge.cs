namespace Ingest.Messages;

/// <summary>When a caller is told that its row is safe: the level of acknowledgement that it asks for.</summary>
public enum Acknowledge : byte
{
    /// <summary>When the row is in the table (201).</summary>
    Committed = 0,

    /// <summary>When the row is in the journal, and will be written whatever happens (202, with a receipt).</summary>
    Accepted = 1,
}
