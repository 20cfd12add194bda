using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Observability;

namespace Ingest.Node.Gateway;

/// <summary>
/// Rows that one caller hands in together, one for a single create, some hundreds for a piece of a stream, and their
/// verdicts. Pooled by <see cref="IRowGateway"/>: it is its own awaitable, so a row costs no task.
/// </summary>
public sealed class Submission : IValueTaskSource
{
    // Most verdicts are of one word: one byte for each row that waits, and more for those alone that have more to say.
    private VerdictKind[] kinds = new VerdictKind[1];
    private readonly Dictionary<int, Verdict> exceptions = [];
    private readonly List<(int FirstRow, Receipt Receipt)> receipts = [];
    private int pending;
    private ManualResetValueTaskSourceCore<bool> completion;

    /// <summary>The table that the rows are for.</summary>
    public TableDescriptor Table { get; internal set; } = null!;

    /// <summary>Where the table's rows are counted.</summary>
    internal TableMetrics Metrics { get; set; } = null!;

    /// <summary>The request's span, where it is recorded; else the default.</summary>
    internal ActivityContext Request { get; private set; }

    /// <summary>When it was submitted: a timestamp of the node's clock.</summary>
    internal long SubmittedAt { get; private set; }

    /// <summary>The rows; filled by the endpoint before admission, not to be touched while submitted.</summary>
    public RowBlock Rows { get; } = new();

    /// <summary>
    /// The idempotency keys of the rows, one for each; empty where the caller gave none. Filled together with the rows.
    /// </summary>
    public List<(string Key, Guid Digest)> Keys { get; } = [];

    /// <summary>Whose rows they are; null where the node does not know, or need not.</summary>
    internal Caller? Caller { get; set; }

    /// <summary>What streams of the table have under way.</summary>
    internal AdmissionGate Backlog { get; set; } = null!;

    /// <summary>The rows are counted in <see cref="Backlog"/>.</summary>
    internal bool IsInBacklog { get; set; }

    /// <summary>The level of acknowledgement that the caller asks for; null for the table's own.</summary>
    public Acknowledge? Acknowledge { get; set; }

    /// <summary>The verdict of a row, once the submission is complete.</summary>
    public Verdict this[int row] =>
        exceptions.Count > 0 && exceptions.TryGetValue(row, out var verdict) ? verdict : new Verdict(kinds[row]);

    /// <summary>The receipt of a row whose verdict is accepted.</summary>
    public Receipt ReceiptOf(int row)
    {
        var index = receipts.Count - 1;
        while (receipts[index].FirstRow > row) index--;
        var (firstRow, receipt) = receipts[index];
        return receipt with { Position = receipt.Position + row - firstRow };
    }

    /// <summary>Forgets the rows and what was asked for them.</summary>
    internal void Clear()
    {
        Rows.Clear();
        Keys.Clear();
        receipts.Clear();
        Acknowledge = null;
        Caller = null;
    }

    /// <summary>Rows from <paramref name="firstRow"/> on have consecutive positions from the receipt's on.</summary>
    internal void AddReceipt(int firstRow, Receipt receipt) => receipts.Add((firstRow, receipt));

    void IValueTaskSource.GetResult(short token) => completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => completion.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        completion.OnCompleted(continuation, state, token, flags);

    /// <summary>Forgets former verdicts; what is returned completes when each row has its own.</summary>
    /// <param name="now">A timestamp of the node's clock.</param>
    internal ValueTask Begin(long now)
    {
        SubmittedAt = now;
        Request = Activity.Current is { Recorded: true } request ? request.Context : default;
        pending = Rows.Count;
        if (kinds.Length < pending) kinds = new VerdictKind[pending];
        else Array.Clear(kinds, 0, pending);
        exceptions.Clear();
        completion.Reset();
        return new ValueTask(this, completion.Version);
    }

    /// <summary>Gives a row its verdict. Called by the gateway actor only.</summary>
    /// <returns>True where it was the last one: the submission is now to be completed, once.</returns>
    internal bool Settle(int row, Verdict verdict)
    {
        if (kinds[row] != VerdictKind.Pending)
            throw new InvalidOperationException($"Row {row} of a submission has its verdict already.");
        kinds[row] = verdict.Kind;
        if (verdict.Rejection is not null || verdict.RepeatedId is not null) exceptions.Add(row, verdict);
        return --pending == 0;
    }

    /// <summary>Gives each row that has no verdict this one. Called by the gateway actor only.</summary>
    /// <returns>How many rows had none; where there were any, the submission is now to be completed, once.</returns>
    internal int SettleRest(Verdict verdict)
    {
        var settled = 0;
        for (var row = 0; row < Rows.Count; row++)
        {
            if (kinds[row] != VerdictKind.Pending) continue;
            Settle(row, verdict);
            settled++;
        }

        return settled;
    }

    /// <summary>Resumes the caller, on this thread.</summary>
    internal void Complete() => completion.SetResult(true);
}
