using System.Net;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Cluster;

/// <summary>Where a node listens for callers.</summary>
/// <param name="Tls">Null for clear text.</param>
internal sealed record HttpSettings(IPAddress Address, int Port, TlsOptions? Tls, IntakeOptions Options)
{
    public required int MaxConnections { get; init; }

    /// <summary>How long a connection may be open without a request.</summary>
    public required TimeSpan KeepAliveTimeout { get; init; }
}
