namespace Ingest.Messages;

/// <summary>
/// Names one incarnation of a gateway. A gateway's window lives in memory, so each start takes a new id and numbers its
/// rows from 1 again; the ledger can then never mistake a new row for an old one.
/// </summary>
public readonly record struct GatewayId(Guid Value)
{
    /// <summary>A new id, ordered by time of creation (UUID version 7).</summary>
    public static GatewayId New(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    public override string ToString() => Value.ToString();
}
