using System.Collections.Immutable;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Batching;

/// <summary>Turns what the writer says into ranges for the gateways: one for each stretch with the same
/// outcome.</summary>
internal static class BatchAnswers
{
    /// <summary>
    /// Positions that one answer with exceptions speaks of at most: each may have words of its own, and all must fit a
    /// frame.
    /// </summary>
    public const int MaxPositions = 4096;

    /// <summary>The answers to a batch that was committed.</summary>
    public static IEnumerable<Settled> For(Batch batch, Written written)
    {
        // A batch has few gateways, and each one's parts are in order: neighbours grow into one range.
        var open = new Dictionary<GatewayId, (PositionRange Range, bool Skipped)>();
        foreach (var part in batch.Parts)
        {
            var gateway = part.Envelope.Gateway;
            if (open.TryGetValue(gateway, out var last))
            {
                if (last.Skipped == part.Skipped && last.Range.Last + 1 == part.First)
                {
                    open[gateway] = (last.Range with { Last = part.Last }, part.Skipped);
                    continue;
                }

                foreach (var answer in Answers(batch.Lane, last.Range, last.Skipped, written)) yield return answer;
            }

            open[gateway] = (part.Range, part.Skipped);
        }

        foreach (var (range, skipped) in open.Values)
            foreach (var answer in Answers(batch.Lane, range, skipped, written)) yield return answer;
    }

    /// <summary>The answers to positions that had been settled before: what is no exception was committed.</summary>
    public static IEnumerable<Settled> For(LaneId lane, VerdictsRead read)
    {
        var next = read.Range.First;
        foreach (var gap in read.NotWritten.OrderBy(gap => gap.First))
        {
            var before = read.Range with { First = next, Last = gap.First - 1 };
            if (gap.First > next) yield return Answer(lane, before, false, read.Rejections, read.Repeats);
            yield return Answer(lane, gap, true, [], []);
            next = gap.Last + 1;
        }

        if (next <= read.Range.Last)
            yield return Answer(lane, read.Range with { First = next }, false, read.Rejections, read.Repeats);
    }

    private static IEnumerable<Settled> Answers(LaneId lane, PositionRange range, bool skipped, Written written)
    {
        var (rejections, repeats) = (written.Rejections, written.Repeats);
        // Without exceptions an answer is two numbers, however many rows it is about.
        var step = rejections.IsEmpty && repeats.IsEmpty ? range.Last - range.First + 1 : MaxPositions;
        for (var first = range.First; first <= range.Last; first += step)
        {
            var part = range with { First = first, Last = Math.Min(range.Last, first + step - 1) };
            yield return Answer(lane, part, skipped, rejections, repeats);
        }
    }

    private static Settled Answer(
        LaneId lane,
        PositionRange range,
        bool skipped,
        ImmutableArray<RejectedRow> rejections,
        ImmutableArray<RepeatedRow> repeats)
    {
        if (skipped)
        {
            return new Settled(lane, range.Gateway, range.First, range.Last, VerdictKind.NotWritten, [])
            {
                IsRecorded = true,
            };
        }

        return new Settled(lane, range.Gateway, range.First, range.Last, VerdictKind.Committed,
            rejections.IsEmpty
                ? []
                : [.. rejections.Where(row => IsIn(row.Gateway, row.Position)).OrderBy(row => row.Position)
                    .Select(row => new RowRejection(row.Position, row.Rejection))])
        {
            IsRecorded = true,
            Repeats = repeats.IsEmpty
                ? []
                : [.. repeats.Where(row => IsIn(row.Gateway, row.Position)).OrderBy(row => row.Position)
                    .Select(row => new RowRepeat(row.Position, row.Id))],
        };

        bool IsIn(GatewayId gateway, long position) =>
            gateway == range.Gateway && position >= range.First && position <= range.Last;
    }
}
