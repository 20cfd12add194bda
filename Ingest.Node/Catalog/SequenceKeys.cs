namespace Ingest.Node.Catalog;

/// <summary>
/// Key values that this node has reserved from one sequence, a block at a time. Thread-safe. Values of a block that is not
/// used up when the node ends are gaps, as every sequence has them.
/// </summary>
public sealed class SequenceKeys
{
    /// <summary>Takes the next reserved value, without waiting.</summary>
    /// <returns>False where the block is used up: await <see cref="ReserveAsync"/>, then try again.</returns>
    public bool TryTake(out long value) => throw new NotImplementedException();

    /// <summary>Reserves a block unless some values are left; callers at the same time share one round trip.</summary>
    public ValueTask ReserveAsync(CancellationToken cancellation) => throw new NotImplementedException();
}
