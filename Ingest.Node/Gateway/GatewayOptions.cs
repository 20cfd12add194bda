using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Gateway;

/// <summary>What a gateway admits, and how long it stands by a row. Set in <c>hocon/ingest.conf</c>.</summary>
public sealed record GatewayOptions
{
    /// <summary>When a caller is answered at the latest, counted from the submission of its rows.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>How long before that the last attempt to write may start, so that its answer still arrives.</summary>
    public required TimeSpan AnswerMargin { get; init; }

    /// <summary>Rows admitted and not yet settled, on this node.</summary>
    [Range(1, int.MaxValue)]
    public required long InFlightRows { get; init; }

    /// <summary>Bytes of tuples admitted and not yet settled, on this node.</summary>
    [Range(1024, long.MaxValue)]
    public required long InFlightBytes { get; init; }

    /// <summary>Rows in one envelope at most.</summary>
    [Range(1, 65_536)]
    public required int EnvelopeRows { get; init; }

    /// <summary>Bytes in one envelope at most, but for a single row that alone is larger.</summary>
    [Range(1024, 1 << 24)]
    public required int EnvelopeBytes { get; init; }

    /// <summary>How long a lane may be silent before the gateway asks it how far it has come.</summary>
    public required TimeSpan ProbeAfter { get; init; }
}
