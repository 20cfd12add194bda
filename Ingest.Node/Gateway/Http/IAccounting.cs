namespace Ingest.Node.Gateway.Http;

/// <summary>The books of this node: what became of every row that it received.</summary>
public interface IAccounting
{
    /// <summary>When the books were opened: the node's start.</summary>
    DateTimeOffset Since { get; }

    /// <summary>One account for each table that received a row, ordered by name.</summary>
    IReadOnlyList<TableAccount> Snapshot();

    /// <summary>The lanes of this node that are stopped until somebody sees to them.</summary>
    IReadOnlyList<StoppedLane> StoppedLanes => [];
}

/// <summary>A lane that writes nothing, and why.</summary>
public sealed record StoppedLane(string Lane, string Reason);

/// <summary>
/// One table's rows. <paramref name="Received"/> is the sum of the others, but for rows that move while it is taken.
/// </summary>
public sealed record TableAccount(
    string Table,
    long Received,
    long Committed,
    long Rejected,
    long NotWritten,
    long Pending)
{
    /// <summary>How many of the pending rows are accepted: in the journal, and not yet written.</summary>
    public long Accepted { get; init; }

    /// <summary>Rows that were lost sight of when a gateway failed; part of the sum.</summary>
    public long Unknown { get; init; }

    /// <summary>Rows that were answered with a row that they repeat; not part of the sum.</summary>
    public long Repeated { get; init; }
}
