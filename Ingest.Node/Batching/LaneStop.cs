namespace Ingest.Node.Batching;

/// <summary>Tells a lane to write what it holds, answer, and stop: the hand-off message of its shard.</summary>
internal sealed record LaneStop
{
    public static readonly LaneStop Instance = new();
}
