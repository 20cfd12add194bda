using System.Collections.Immutable;
using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>The rows of a batch that were not written as rows of their own.</summary>
internal readonly record struct Exceptions(ImmutableArray<RejectedRow> Rejections, ImmutableArray<RepeatedRow> Repeats);

/// <summary>What became of the rows that were to be written, by their places.</summary>
internal sealed class RowVerdicts(Exceptions written)
{
    private readonly Dictionary<(GatewayId, long), Rejection> rejections =
        written.Rejections.ToDictionary(row => (row.Gateway, row.Position), row => row.Rejection);

    private readonly Dictionary<(GatewayId, long), string> repeats =
        written.Repeats.ToDictionary(row => (row.Gateway, row.Position), row => row.Id);

    /// <summary>null for a row that was not rejected.</summary>
    public Rejection? RejectionOf((GatewayId, long) place) => rejections.GetValueOrDefault(place);

    /// <summary>The id, as JSON, of the row that one is answered with; null where that is itself.</summary>
    public string? RepeatedIdOf((GatewayId, long) place) => repeats.GetValueOrDefault(place);
}
