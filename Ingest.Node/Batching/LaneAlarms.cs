using System.Collections.Concurrent;
using Ingest.Messages;

namespace Ingest.Node.Batching;

/// <summary>The lanes of this node that are stopped until somebody sees to them, with the reason.
/// Thread-safe.</summary>
internal sealed class LaneAlarms
{
    private readonly ConcurrentDictionary<LaneId, string> stopped = new();

    public IReadOnlyList<(LaneId Lane, string Reason)> Stopped =>
        [.. stopped.OrderBy(alarm => alarm.Key.ToString(), StringComparer.Ordinal)
            .Select(alarm => (alarm.Key, alarm.Value))];

    public void Raise(LaneId lane, string reason) => stopped[lane] = reason;

    public void Clear(LaneId lane) => stopped.TryRemove(lane, out _);
}
