using Akka.Actor;
using Akka.Cluster;
using Ingest.Node.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Ingest.Node.Cluster;

/// <summary>Ready needs a node, this or another, that holds lanes and can be reached.</summary>
internal sealed class LanesCheck(ActorSystem system) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        var state = Akka.Cluster.Cluster.Get(system).State;
        var isReachable = state.Members.Any(member => member.Status == MemberStatus.Up
            && member.HasRole(NodeRoles.Batcher) && !state.Unreachable.Contains(member));
        return Task.FromResult(isReachable
            ? HealthCheckResult.Healthy("A node that writes can be reached.")
            : HealthCheckResult.Unhealthy("No node that writes can be reached."));
    }
}

/// <summary>
/// Ready needs room to write: PostgreSQL has not said of late that its disk is full, and the disk of the node's own
/// directory, where its own server keeps its data, is not.
/// </summary>
internal sealed class DiskCheck(NodeSettings settings, NodeMetrics metrics) : IHealthCheck
{
    /// <summary>What a server needs to go on: some write-ahead segments of 16 MiB.</summary>
    private const long MinFreeBytes = 64L << 20;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        if (metrics.IsDatabaseFull)
            return Task.FromResult(HealthCheckResult.Unhealthy("PostgreSQL says that its disk is full."));
        var isFull = settings.Postgres.Length == 0
            && new DriveInfo(settings.DataDirectory).AvailableFreeSpace < MinFreeBytes;
        return Task.FromResult(isFull
            ? HealthCheckResult.Unhealthy("The disk of the data directory is full.")
            : HealthCheckResult.Healthy("There is room to write."));
    }
}

/// <summary>A row that waits for too long: the node still takes rows, but somebody should look.</summary>
internal sealed class OldestRowCheck(NodeMetrics metrics, TelemetryOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        var (table, overdue) = metrics.MostOverdue();
        return Task.FromResult(overdue > options.OldestRowAlarm
            ? HealthCheckResult.Degraded(
                $"Rows for {table} have waited for {overdue.TotalSeconds:0} s longer than they should.")
            : HealthCheckResult.Healthy("No row waits for too long."));
    }
}
