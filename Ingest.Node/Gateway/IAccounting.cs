namespace Ingest.Node.Gateway;

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

/// <summary>The books of all nodes together.</summary>
public interface IClusterAccounting
{
    Task<ClusterAccounts> CollectAsync(CancellationToken cancellation);
}

/// <summary>The sum of the accounts of those nodes of the cluster that take rows, each since its own start.</summary>
/// <param name="Nodes">The nodes that are in the sum, as host:port.</param>
/// <param name="Silent">Those that did not answer, and so are not.</param>
/// <param name="Tables">Ordered by name.</param>
public sealed record ClusterAccounts(
    IReadOnlyList<string> Nodes, IReadOnlyList<string> Silent, IReadOnlyList<TableAccount> Tables);

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

    /// <summary>Adds accounts up.</summary>
    public static TableAccount Sum(string table, IEnumerable<TableAccount> accounts) =>
        accounts.Aggregate(new TableAccount(table, 0, 0, 0, 0, 0), static (sum, account) => new TableAccount(
            sum.Table,
            sum.Received + account.Received,
            sum.Committed + account.Committed,
            sum.Rejected + account.Rejected,
            sum.NotWritten + account.NotWritten,
            sum.Pending + account.Pending)
        {
            Accepted = sum.Accepted + account.Accepted,
            Unknown = sum.Unknown + account.Unknown,
            Repeated = sum.Repeated + account.Repeated,
        });
}
