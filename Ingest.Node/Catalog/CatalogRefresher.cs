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
    private readonly Dictionary<string, string> faults = new(StringComparer.Ordinal);
    private bool isFailing;

    /// <summary>Reads the catalog once.</summary>
    internal async Task RefreshAsync(CancellationToken stopping)
    {
        try
        {
            await catalog.RefreshAsync(stopping);
            if (isFailing) LogRecovered(catalog.Tables.Count);
            isFailing = false;
            NoteFaults();
        }
        catch (NpgsqlException error)
        {
            if (!isFailing) LogFailed(error);
            isFailing = true;
        }
    }

    /// <summary>Says once of each table that its settings do not fit it, and when they do again.</summary>
    private void NoteFaults()
    {
        foreach (var table in catalog.Tables)
        {
            if (table.ConflictFault is not { } fault)
            {
                if (faults.Remove(table.Name)) LogFits(table.Name);
            }
            else if (faults.GetValueOrDefault(table.Name) != fault)
            {
                faults[table.Name] = fault;
                LogMisfit(table.Name, fault);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        NoteFaults();
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

    [LoggerMessage(
        2003, LogLevel.Error, "Table {Table} takes no rows, since its setting on-conflict does not fit it: {Fault}.")]
    private partial void LogMisfit(string table, string fault);

    [LoggerMessage(2004, LogLevel.Information, "Table {Table} takes rows again: its setting on-conflict fits it.")]
    private partial void LogFits(string table);
}
