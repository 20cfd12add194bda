using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>Asks a PostgreSQL server whether it is there.</summary>
internal static class SignOfLife
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Whether the server answers a query within 2 s, and so lets the node in.</summary>
    public static async Task<bool> AnswersAsync(this NpgsqlDataSource server, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await using var command = server.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(limit.Token);
            return true;
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            return false;
        }
    }
}
