using Ingest.Messages;

namespace Ingest.Node.Gateway;

/// <summary>What became of an accepted row.</summary>
public enum ReceiptStatus
{
    /// <summary>It is in the journal and will be written.</summary>
    Pending,

    /// <summary>It is in the table.</summary>
    Committed,

    /// <summary>PostgreSQL refused it.</summary>
    Rejected,

    /// <summary>It was given up on: an operator has accepted the loss of what a damaged journal held.</summary>
    Lost,

    /// <summary>What was recorded of it has been removed since.</summary>
    Expired,
}

/// <param name="Rejection">There when, and only when, the row was rejected.</param>
/// <param name="RepeatedId">The id, as JSON, of the committed row that this one repeats; null for a row of its
/// own.</param>
public readonly record struct ReceiptState(
    ReceiptStatus Status, Rejection? Rejection = null, string? RepeatedId = null);

/// <summary>Looks up receipts, whichever node gave them out.</summary>
public interface IReceipts
{
    /// <summary>What is known now.</summary>
    Task<ReceiptState> LookUpAsync(Receipt receipt, CancellationToken cancellation);
}
