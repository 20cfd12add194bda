using Ingest.Node.Batching;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>
/// The journal of accepted rows. What is wrong with it never makes the node unready: rows are committed without it, and
/// callers who were sent elsewhere would come to the same lanes and the same journal. But somebody has to know.
/// </summary>
internal sealed class JournalCheck(LaneAlarms alarms, JournalServer server) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken)
    {
        var faults = alarms.Stopped.Select(alarm => alarm.Reason).ToList();
        if (!await server.AnswersAsync(cancellationToken))
        {
            faults.Insert(0, "The journal's server does not answer: rows that ask to be accepted wait for their "
                + "commit instead, and lanes that are not running cannot start.");
        }

        return faults.Count > 0
            ? HealthCheckResult.Degraded(string.Join(" ", faults))
            : HealthCheckResult.Healthy("The journals of this node's lanes are whole.");
    }
}

/// <summary>The PostgreSQL server of the journal where it has one of its own, to be asked whether it is there. Rows go
/// there by the connections of the journal's plugin, which keeps them to itself.</summary>
/// <param name="journal">The setting <c>ingest.journal</c>.</param>
internal sealed class JournalServer(string journal) : IAsyncDisposable
{
    private readonly NpgsqlDataSource? server = JournalPlugin.IsElsewhere(journal) ? Connect(journal) : null;

    /// <summary>Whether it answers; true where the journal has no server of its own.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellation) =>
        server is null || await server.AnswersAsync(cancellation);

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static NpgsqlDataSource Connect(string journal)
    {
        var connection = new NpgsqlConnectionStringBuilder(journal) { MinPoolSize = 0, MaxPoolSize = 1 };
        connection.ApplicationName = $"{connection.ApplicationName ?? "ingest"} journal check";
        // The name of its pool in metrics, which would be the connection string otherwise.
        return new NpgsqlDataSourceBuilder(connection.ConnectionString) { Name = "ingest journal check" }.Build();
    }
}
