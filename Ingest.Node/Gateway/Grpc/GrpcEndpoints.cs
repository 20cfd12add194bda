using Grpc.AspNetCore.Server.Model;
using Grpc.Reflection;
using Ingest.Messages.Api.V1;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Intake;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>The gRPC surface: what a host adds beside the HTTP surface, in two calls.</summary>
internal static class GrpcEndpoints
{
    // gRPC's own default; a message may hold a row of the largest size and what goes with it.
    private const int MaxMessageBytes = 4 * 1024 * 1024;
    private const int BesideRowBytes = 64 * 1024;

    /// <summary>Registers what the service needs of its own; the host adds an <see cref="IRowGateway"/>, an
    /// <see cref="Catalog.ITableCatalog"/>, and health checks with the tag ready.</summary>
    public static IServiceCollection AddIngestGrpc(this IServiceCollection services, IntakeOptions options)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = (int)Math.Min(
                int.MaxValue, Math.Max(MaxMessageBytes, options.MaxRowBytes + BesideRowBytes));
            grpc.EnableDetailedErrors = false;
        });
        // One check for each service that this one offers, by its name, and one for the node, by none.
        services.AddGrpcHealthChecks(health =>
        {
            health.Services.Map("", check => check.Tags.Contains("ready"));
            health.Services.Map(
                IngestReflection.Descriptor.Services[0].FullName, check => check.Tags.Contains("ready"));
        });
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IServiceMethodProvider<IngestService>, IngestMethods>());
        Google.Protobuf.Reflection.ServiceDescriptor[] described =
            [IngestReflection.Descriptor.Services[0], global::Grpc.Health.V1.Health.Descriptor];
        return services
            .AddIngestIntake(options)
            .AddSingleton<IngestService>()
            .AddSingleton(new ReflectionServiceImpl(described))
            .AddSingleton(new ReflectionV1ServiceImpl(described));
    }

    public static void MapIngestGrpc(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<IngestService>().RequireScope(Scope.Write);
        endpoints.MapGrpcHealthChecksService().AllowAnonymous();
        endpoints.MapGrpcService<ReflectionServiceImpl>().RequireScope(Scope.Any);
        endpoints.MapGrpcService<ReflectionV1ServiceImpl>().RequireScope(Scope.Any);
    }
}
