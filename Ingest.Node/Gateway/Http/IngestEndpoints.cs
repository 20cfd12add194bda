using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http.OpenApi;
using Ingest.Node.Gateway.Http.Streaming;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Ingest.Node.Gateway.Http;

/// <summary>The HTTP surface: what a host adds, in three calls.</summary>
public static class IngestEndpoints
{
    /// <summary>
    /// Registers what the endpoints need of their own. The host adds an <see cref="Catalog.ITableCatalog"/>, an
    /// <see cref="IRowGateway"/>, an <see cref="IAccounting"/>, an <see cref="IClusterView"/>, and health checks with
    /// the tags live and ready.
    /// </summary>
    public static IServiceCollection AddIngestHttp(this IServiceCollection services, IntakeOptions options)
    {
        services.AddRouting();
        services.AddHealthChecks();
        return services
            .AddIngestIntake(options)
            .AddSingleton(new PartialRows(options.PartialBytes))
            .AddSingleton<FailureAnswers>()
            .AddSingleton<SingleRowRequest>()
            .AddSingleton<StreamSession>()
            .AddSingleton<RowsEndpoint>()
            .AddSingleton<TablesEndpoint>()
            .AddSingleton<AccountingEndpoint>()
            .AddSingleton<ReceiptsEndpoint>()
            .AddSingleton<ClusterEndpoint>()
            .AddSingleton<OpenApiEndpoint>();
    }

    /// <summary>Has requests served by the thread that reads them, since none of them blocks it: that spares each
    /// two hops, an eighth of all the work of a row at 128 connections.</summary>
    public static IWebHostBuilder UseIngestSockets(this IWebHostBuilder host) =>
        host.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);

    /// <summary>What the surface asks of Kestrel; ports and certificates are the host's.</summary>
    /// <remarks>What slow clients are cut at; docs/security.md lists it.</remarks>
    public static void ConfigureForIngest(this KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Rows are limited one by one; a body may have any number of them.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        // What a connection holds of a body that nobody reads at the moment: a stream that has to wait.
        kestrel.Limits.MaxRequestBufferSize = 128 * 1024;
        // What HTTP/2 connections may hold at most, stated here so that it stays what docs/security.md says.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 100;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 1024 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 768 * 1024;
        // Finds connections whose other end is gone, which may be open for long where streams are.
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>Maps every call of the HTTP surface.</summary>
    /// <remarks>All methods are mapped, since the answer to a wrong one shall be a problem like any other.</remarks>
    public static void MapIngest(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        var failures = services.GetRequiredService<FailureAnswers>();
        var tables = services.GetRequiredService<TablesEndpoint>();
        var options = services.GetRequiredService<IntakeOptions>();
        endpoints.Map(RowRoute.Pattern, services.GetRequiredService<RowsEndpoint>().HandleAsync)
            .RequireScope(Scope.Write);
        endpoints.Map("/v1/tables", failures.Guard(tables.ListAsync)).RequireScope(Scope.Any);
        endpoints.Map("/v1/tables/{table}", failures.Guard(tables.ShowAsync)).RequireScope(Scope.Any);
        endpoints
            .Map("/v1/receipts/{receipt}", failures.Guard(services.GetRequiredService<ReceiptsEndpoint>().ShowAsync))
            .RequireScope(Scope.Write | Scope.ReadDeadLetters);
        endpoints.Map("/v1/accounting", failures.Guard(services.GetRequiredService<AccountingEndpoint>().ShowAsync))
            .RequireScope(Scope.Any);
        endpoints.Map("/v1/cluster", failures.Guard(services.GetRequiredService<ClusterEndpoint>().ShowAsync))
            .RequireScope(Scope.Observe);
        endpoints.Map("/openapi/v1.json", failures.Guard(services.GetRequiredService<OpenApiEndpoint>().ShowAsync))
            .RequireScope(Scope.Any);
        endpoints.MapDocs().AllowAnonymous();
        endpoints.MapHealthChecks("/healthz/live", HealthAnswers.For("live")).AllowAnonymous();
        endpoints.MapHealthChecks("/healthz/ready", HealthAnswers.For("ready")).AllowAnonymous();
        var nothing = new Problem(
            StatusCodes.Status404NotFound, ProblemTypes.NotFound, "This service has no such resource.");
        endpoints.MapFallback("/v1/{**path}", context => Answers.Write(context, options, nothing)).AllowAnonymous();
    }
}
