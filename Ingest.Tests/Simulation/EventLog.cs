using System.Globalization;
using Akka.TestKit;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Simulation;

/// <summary>
/// The story of one seed. A gateway's id is random, so the story calls the first that speaks <c>G1</c>, and so on:
/// the same seed always tells the same story. Most runs keep none; a seed that failed is run again with it.
/// </summary>
internal sealed class EventLog(TestScheduler clock, bool isKept)
{
    private readonly DateTimeOffset start = clock.Now;
    private readonly List<string> lines = [];
    private readonly Dictionary<GatewayId, int> gateways = [];

    public IReadOnlyList<string> Lines => lines;

    public void Add(FormattableString line)
    {
        if (!isKept) return;
        var time = (clock.Now - start).TotalMilliseconds;
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"{time,7:0} ")
            + line.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Numbers gateways in the order in which they first speak.</summary>
    public int NumberOf(GatewayId gateway)
    {
        if (!gateways.TryGetValue(gateway, out var number)) gateways[gateway] = number = gateways.Count + 1;
        return number;
    }

    public string Describe(object message) => isKept ? Words(message) : "";

    public string Describe(Batch batch) => isKept
        ? string.Join(", ", batch.Parts.Select(part =>
            $"G{NumberOf(part.Envelope.Gateway)} {part.First}..{part.Last}{(part.Skipped ? " skipped" : "")}"))
            + " moves " + string.Join(", ", batch.Moves.OrderBy(move => NumberOf(move.Gateway)).Select(move =>
                $"G{NumberOf(move.Gateway)} {move.From}->{move.To}"))
        : "";

    private string Words(object message) => message switch
    {
        LaneProtocol.Envelope e => $"{e.Lane} G{NumberOf(e.Gateway)} envelope {e.First}..{e.Last} base {e.Base}"
            + (e.IsSkip ? " skip"
                : e.IsReminder ? " reminder"
                : e.Acknowledge == Acknowledge.Accepted ? " to accept" : ""),
        Probe p => $"{p.Lane} G{NumberOf(p.Gateway)} probe base {p.Base} next {p.Next}",
        FlushNow f => $"{f.Lane} flush now",
        Settled s => $"{s.Lane} G{NumberOf(s.Gateway)} settled {s.First}..{s.Last} {s.Outcome}"
            + (s.Rejections.IsDefaultOrEmpty ? "" : " but ")
            + (s.Rejections.IsDefaultOrEmpty ? "" : string.Join(" ", s.Rejections.Select(row => row.Position))),
        Expected e => $"{e.Lane} G{NumberOf(e.Gateway)} expected {e.Next}{(e.Full ? " full" : "")}",
        Written w => $"Written {w.BatchId}" + string.Concat(w.Rejections.Select(row =>
            $" but G{NumberOf(row.Gateway)} {row.Position}")),
        VerdictsRead v => $"verdicts of G{NumberOf(v.Range.Gateway)} {v.Range.First}..{v.Range.Last}: "
            + $"{v.Rejections.Length} rejected, not written " + string.Join(" ", v.NotWritten.Select(range =>
                $"{range.First}..{range.Last}")),
        LedgerRead l => "ledger " + string.Join(", ", l.Positions.Select(position =>
            $"G{NumberOf(position.Gateway)} {position.Position}")),
        _ => message.ToString() ?? "",
    };
}
