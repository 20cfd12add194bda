using Akka.Actor;
using Akka.Cluster;
using Ingest.Node.Batching;
using Ingest.Node.Gateway;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>Ready needs a database that answers.</summary>
internal sealed class DatabaseCheck(NpgsqlDataSource dataSource) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await using var command = dataSource.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(limit.Token);
            return HealthCheckResult.Healthy("The database answers.");
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.");
        }
    }
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

/// <summary>A lane that is stopped is no reason to send callers elsewhere, since they would come to the same lane; but
/// somebody has to know.</summary>
internal sealed class JournalCheck(LaneAlarms alarms) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) =>
        Task.FromResult(alarms.Stopped is { Count: > 0 } stopped
            ? HealthCheckResult.Degraded(string.Join(" ", stopped.Select(alarm => alarm.Reason)))
            : HealthCheckResult.Healthy("The journals of this node's lanes are whole."));
}
