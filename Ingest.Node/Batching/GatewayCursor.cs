using Ingest.Messages;
using Ingest.Node.Batching.Journal;

namespace Ingest.Node.Batching;

/// <summary>How far a gateway's rows have come in a lane. Pure.</summary>
internal sealed class GatewayCursor(long ledger = 0)
{
    /// <summary>What the ledger says, as far as this incarnation knows.</summary>
    public long Ledger { get; set; } = ledger;

    /// <summary>Everything up to here is settled, in line, or out.</summary>
    public long Queued { get; set; } = ledger;

    /// <summary>What is in memory and cannot be in line yet, since something before it is missing or away; by first
    /// position. As a rule there is nothing.</summary>
    public SortedList<long, AheadPart> Ahead { get; } = [];

    /// <summary>Positions of rows that the lane has taken and does not hold: the journal has them, or is about
    /// to.</summary>
    public PositionSet Away { get; } = new();

    /// <summary>Positions of rows that are in the journal for certain and not settled.</summary>
    public PositionSet Journaled { get; } = new();

    /// <summary>Where the gap begins that was skipped last.</summary>
    public long GapSkipped { get; set; }

    /// <summary>The position that is accepted next.</summary>
    public long Next
    {
        get
        {
            var next = Queued + 1;
            while (EndOfKnown(next) is { } end) next = end + 1;
            return next;
        }
    }

    /// <summary>The first position from one on that the lane knows already; null where there is none.</summary>
    public long? FirstKnownFrom(long position)
    {
        var away = Away.FirstFrom(position);
        foreach (var first in Ahead.Keys)
            if (first >= position) return away < first ? away : first;
        return away;
    }

    /// <summary>True where the lane has, or the journal has, every position of a range.</summary>
    public bool Knows(long first, long last)
    {
        while (first <= last)
        {
            var end = first <= Queued ? Queued : Journaled.EndOf(first) ?? Away.EndOf(first);
            if (end is null) return false;
            first = end.Value + 1;
        }

        return true;
    }

    private long? EndOfKnown(long position)
    {
        if (Away.EndOf(position) is { } end) return end;
        return Ahead.TryGetValue(position, out var ahead) ? ahead.Part.Last : null;
    }
}

/// <summary>Rows that cannot be in line yet.</summary>
/// <param name="SentUntil">When their own deadline was, as their gateway set it.</param>
internal readonly record struct AheadPart(BatchPart Part, DateTimeOffset Since, DateTimeOffset SentUntil);
