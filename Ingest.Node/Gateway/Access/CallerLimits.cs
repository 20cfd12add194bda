using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Gateway.Access;

/// <summary>What one caller may have of a node. Zero is no limit but the node's own.</summary>
internal sealed record CallerLimits(
    [property: Range(0, int.MaxValue)] int RowsPerSecond,
    [property: Range(0, int.MaxValue)] int InFlightRows)
{
    public bool IsAny => RowsPerSecond > 0 || InFlightRows > 0;
}
