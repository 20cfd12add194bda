namespace Ingest.Node.Batching.Journal;

/// <summary>
/// What makes the numbers of a journal a fence between incarnations of a lane though old events are removed: an event
/// stays for longer than anybody relies on what he knew of the journal when he last read or wrote it.
/// </summary>
/// <param name="KeepFor">How long an event stays at least after it is settled.</param>
/// <param name="TrustFor">After this time without reading or writing, the journal is read before it is written; less
/// than half of <paramref name="KeepFor"/>.</param>
internal sealed record JournalTimes(TimeSpan KeepFor, TimeSpan TrustFor)
{
    public static readonly JournalTimes Default = new(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(10));
}
