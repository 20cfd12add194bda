using Ingest.Node.Gateway;
using Ingest.Node.Writing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>What takes a question to others to know, and so is read every few seconds only.</summary>
/// <param name="Members">The cluster as this node sees it.</param>
/// <param name="Database">null where the database did not answer.</param>
internal sealed record NodeState(
    IReadOnlyList<ClusterMember> Members, HealthReport Health, DatabaseState? Database);

/// <summary>Asks the cluster, the health checks and the database.</summary>
internal sealed class NodeStateReader(
    IClusterView cluster, HealthCheckService health, DatabaseStateReader database)
{
    public async Task<NodeState> ReadAsync(CancellationToken cancellation)
    {
        var members = cluster.MembersAsync(cancellation);
        var report = health.CheckHealthAsync(check => check.Tags.Contains("ready"), cancellation);
        var state = database.ReadAsync(cancellation);
        return new NodeState(await members, await report, await state);
    }
}
