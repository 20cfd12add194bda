using System.Collections.Immutable;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Node.Batching;

/// <summary>
/// Envelopes that came before the lane has read its ledger: nobody knows yet what of them is new. Pure; all times are
/// handed in.
/// </summary>
/// <param name="limit">Bytes that are held at most, or one envelope.</param>
internal sealed class EarlyEnvelopes(long limit)
{
    private readonly List<Envelope> envelopes = [];

    /// <summary>Bytes of their rows.</summary>
    public long Bytes { get; private set; }

    public int Rows { get; private set; }

    /// <summary>When the first of them came; null where there is none.</summary>
    public DateTimeOffset? Since { get; private set; }

    /// <returns>False where there is no room.</returns>
    public bool TryAdd(Envelope envelope, DateTimeOffset now)
    {
        if (envelopes.Count > 0 && Bytes + BytesOf(envelope) > limit) return false;
        if (envelopes.Count == 0) Since = now;
        envelopes.Add(envelope);
        Count(envelope, 1);
        return true;
    }

    /// <summary>Lets go of those whose deadline has passed.</summary>
    /// <returns>Their positions.</returns>
    public List<PositionRange> Expire(DateTimeOffset now)
    {
        var expired = new List<PositionRange>();
        foreach (var envelope in envelopes.Where(envelope => envelope.Deadline <= now))
        {
            Count(envelope, -1);
            expired.Add(new PositionRange(envelope.Gateway, envelope.First, envelope.Last));
        }

        if (expired.Count > 0) envelopes.RemoveAll(envelope => envelope.Deadline <= now);
        if (envelopes.Count == 0) Since = null;
        return expired;
    }

    /// <summary>Hands them over, in the order in which they came.</summary>
    public ImmutableArray<Envelope> TakeAll()
    {
        var all = envelopes.ToImmutableArray();
        envelopes.Clear();
        Bytes = Rows = 0;
        Since = null;
        return all;
    }

    private static long BytesOf(Envelope envelope) => envelope.BytesOf(0, envelope.Count);

    private void Count(Envelope envelope, int sign)
    {
        Bytes += sign * BytesOf(envelope);
        if (!envelope.IsSkip) Rows += sign * envelope.Count;
    }
}
