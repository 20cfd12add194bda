using System.Globalization;
using Grpc.AspNetCore.Server.Model;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>
/// What a good engineer would write by hand instead of Ingest, in a process of its own, as the node is: the same
/// Kestrel, the same JSON, the same table. The table's name in the path says which baseline is meant:
/// <c>POST /v1/tables/{discard|insert|channel}/rows</c>, so that one load generator serves all.
/// </summary>
internal sealed class BaselineServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly NpgsqlDataSource source;
    private readonly ChannelEndpoint channel;

    private BaselineServer(WebApplication app, NpgsqlDataSource source, ChannelEndpoint channel)
    {
        this.app = app;
        this.source = source;
        this.channel = channel;
    }

    /// <param name="table">The table that is written to; it has the columns of the demo table.</param>
    public static async Task<BaselineServer> StartAsync(
        int port, int grpcPort, string postgres, string table, TimeProvider time, CancellationToken cancellation)
    {
        var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(postgres)
        {
            ApplicationName = "baseline",
            MaxPoolSize = 32,
            MaxAutoPrepare = 16,
            AutoPrepareMinUsages = 1,
            WriteBufferSize = 32 * 1024,
        });
        var options = new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromMinutes(1) };
        var catalog = new TableCatalog(source, options, time);
        await catalog.RefreshAsync(cancellation);
        var descriptor = (await catalog.FindAsync(table, cancellation))!;
        var discard = new DiscardEndpoint(descriptor);
        var insert = new InsertEndpoint(source, table);
        var channel = new ChannelEndpoint(source, table);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseIngestSockets().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.ListenLocalhost(grpcPort, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddGrpc();
        builder.Services
            .AddSingleton(new DiscardService(descriptor))
            .AddSingleton<IServiceMethodProvider<DiscardService>, DiscardService.Methods>();
        var app = builder.Build();
        app.MapGrpcService<DiscardService>();
        app.MapPost("/v1/tables/discard/rows", (RequestDelegate)discard.HandleAsync);
        app.MapPost("/v1/tables/insert/rows", (RequestDelegate)insert.HandleAsync);
        app.MapPost("/v1/tables/channel/rows", (RequestDelegate)channel.HandleAsync);
        app.MapGet("/allocated", () => GC.GetTotalAllocatedBytes().ToString(CultureInfo.InvariantCulture));
        await app.StartAsync(cancellation);
        return new BaselineServer(app, source, channel);
    }

    public Task WaitForShutdownAsync() => app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await channel.DisposeAsync();
        await source.DisposeAsync();
    }
}
