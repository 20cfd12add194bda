namespace Ingest.Messages.Client;

/// <summary>What rows have in common that can share a message.</summary>
internal sealed record RowTarget(string Table, Acknowledge? Acknowledge);

/// <summary>A row on its way to its result, which it is the task of.</summary>
/// <param name="json">The row as it is sent, each time the same bytes.</param>
/// <param name="key">The caller's idempotency key; null for the client's own.</param>
/// <param name="since">When its caller handed it in: a timestamp.</param>
internal sealed class PendingRow(RowTarget target, ReadOnlyMemory<byte> json, string? key, long since)
    : TaskCompletionSource<CreateResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public RowTarget Target { get; } = target;

    public ReadOnlyMemory<byte> Json { get; } = json;

    public string? Key { get; } = key;

    public long Since { get; } = since;

    /// <summary>The number under which it is sent, each time the same; 0 before the first time.</summary>
    public ulong Number { get; set; }

    /// <summary>Its place among all rows in the order of their last sending.</summary>
    public long SentAs { get; set; }

    /// <summary>It was sent over a stream that broke before its verdict: it may be in the table, whatever is said of
    /// later attempts.</summary>
    public bool IsUncertain { get; set; }

    /// <summary>Why it was not written so far.</summary>
    public CreateError? LastError { get; set; }
}
