using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>Compares a batch with what the ledger has recorded for its positions. Pure.</summary>
internal static class RecordedBatch
{
    /// <summary>
    /// True where the record may be of this very batch: it was given up on the positions that the batch skips, and on
    /// no other of its positions. Another incarnation of the lane, which held the same envelopes, may have come to
    /// the same end after it had given up on rows that this batch writes.
    /// </summary>
    /// <param name="verdicts">For each gateway of the batch, the verdicts of the positions that the batch moves
    /// over.</param>
    public static bool Matches(Batch batch, IReadOnlyCollection<VerdictsRead> verdicts) =>
        batch.Parts.All(part => GivenUp(part.Range, verdicts) == (part.Skipped ? part.Count : 0));

    private static long GivenUp(PositionRange range, IReadOnlyCollection<VerdictsRead> verdicts) => verdicts
        .Where(read => read.Range.Gateway == range.Gateway)
        .SelectMany(read => read.NotWritten)
        .Sum(gap => Math.Max(0, Math.Min(gap.Last, range.Last) - Math.Max(gap.First, range.First) + 1));
}
