namespace Ingest.Node.DeadLetters;

/// <summary>What people of this node did to letters since its start. Thread-safe.</summary>
internal sealed class LetterCounters
{
    private long replayed;
    private long discarded;

    public long Replayed => Interlocked.Read(ref replayed);

    public long Discarded => Interlocked.Read(ref discarded);

    public void CountReplayed() => Interlocked.Increment(ref replayed);

    public void CountDiscarded(int letters) => Interlocked.Add(ref discarded, letters);
}
