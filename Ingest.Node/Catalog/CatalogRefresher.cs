using Npgsql;

namespace Ingest.Node.Catalog;

/// <summary>
/// Reads the catalog anew at every <see cref="CatalogOptions.RefreshInterval"/>. While the database is down the tables
/// stay as they were; that is logged once, and so is the recovery.
/// </summary>
public sealed partial class CatalogRefresher(
    ITableCatalog catalog, CatalogOptions options, TimeProvider time, ILogger<CatalogRefresher> logger)
    : BackgroundService
{
    private bool isFailing;

    /// <summary>Reads the catalog once.</summary>
    internal async Task RefreshAsync(CancellationToken stopping)
    {
        try
        {
            await catalog.RefreshAsync(stopping);
            if (isFailing) LogRecovered(catalog.Tables.Count);
            isFailing = false;
        }
        catch (NpgsqlException error)
        {
            if (!isFailing) LogFailed(error);
            isFailing = true;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.RefreshInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await RefreshAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    [LoggerMessage(2001, LogLevel.Warning, "The catalog cannot be read; the tables stay as last read until it can.")]
    private partial void LogFailed(NpgsqlException error);

    [LoggerMessage(2002, LogLevel.Information, "The catalog can be read again: {Tables} tables.")]
    private partial void LogRecovered(int tables);
}
