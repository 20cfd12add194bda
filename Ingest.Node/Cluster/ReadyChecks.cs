using Akka.Actor;
using Akka.Cluster;
using Ingest.Node.Gateway;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>Ready needs a database that answers.</summary>
internal sealed class DatabaseCheck(NpgsqlDataSource dataSource) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken) =>
        await dataSource.AnswersAsync(cancellationToken)
            ? HealthCheckResult.Healthy("The database answers.")
            : HealthCheckResult.Unhealthy("The database does not answer.");
}

/// <summary>Ready needs a node that is a member of its cluster: only then can lanes be reached.</summary>
internal sealed class ClusterCheck(ActorSystem system) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        var status = Akka.Cluster.Cluster.Get(system).SelfMember.Status;
        return Task.FromResult(status == MemberStatus.Up
            ? HealthCheckResult.Healthy("The node is a member of its cluster.")
            : HealthCheckResult.Unhealthy($"The node is not up in its cluster: {status}."));
    }
}

/// <summary>Ready needs a node that lets rows in.</summary>
internal sealed class AdmissionCheck(RowGateway gateway) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) =>
        Task.FromResult(gateway.IsStopping
            ? HealthCheckResult.Unhealthy("The node is stopping.")
            : HealthCheckResult.Healthy("The node lets rows in."));
}
