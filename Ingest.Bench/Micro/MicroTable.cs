using Ingest.Bench.Processes;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Bench.Micro;

/// <summary>The demo table's descriptor, read from a server that is started and stopped for it.</summary>
internal static class MicroTable
{
    public static async Task<TableDescriptor> ReadAsync()
    {
        using var run = new RunDirectory(keep: false);
        await using var postgres = await RunPostgres.StartAsync(run, TimeProvider.System, CancellationToken.None);
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionFor("micro"));
        var options = new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromMinutes(1) };
        var catalog = new TableCatalog(source, options, TimeProvider.System);
        return (await catalog.FindAsync("clicks", CancellationToken.None))!;
    }
}
