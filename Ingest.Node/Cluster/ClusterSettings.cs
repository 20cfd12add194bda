using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using Ingest.Node.Gateway.Access;

namespace Ingest.Node.Cluster;

/// <summary>The certificate of a node among nodes.</summary>
/// <param name="Authority">A file with the certificates of who makes those of this cluster's nodes.</param>
internal sealed record NodeTls(TlsOptions Files, string Authority);

/// <summary>Where a node listens for other nodes, and which it joins.</summary>
internal sealed record ClusterSettings(
    string Host,
    int Port,
    ImmutableArray<string> SeedNodes,
    ImmutableArray<string> Roles,
    [property: Range(1, 10_000)] int Shards,
    NodeTls? Tls)
{
    public bool IsGateway => Roles.Contains(NodeRoles.Gateway);

    public bool IsBatcher => Roles.Contains(NodeRoles.Batcher);
}
