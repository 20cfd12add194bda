using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Writing;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>The live dashboard: the page at <c>/</c>, and what it reads that nobody else does.</summary>
internal static class DashboardEndpoints
{
    public static IServiceCollection AddDashboard(this IServiceCollection services) => services
        .AddSingleton<DatabaseStateReader>()
        .AddSingleton<NodeStateReader>()
        .AddSingleton<EventFeed>()
        .AddHostedService(provider => provider.GetRequiredService<EventFeed>())
        .AddSingleton<EventsEndpoint>()
        .AddSingleton<SettingsEndpoint>()
        .AddSingleton<DashboardPage>();

    /// <remarks>The page itself holds nothing of the node's, and asks for a key where the node asks for one.</remarks>
    public static void MapDashboard(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        var failures = services.GetRequiredService<FailureAnswers>();
        endpoints.Map("/v1/events", failures.Guard(services.GetRequiredService<EventsEndpoint>().WatchAsync))
            .RequireScope(Scope.Observe);
        endpoints.Map("/v1/settings", failures.Guard(services.GetRequiredService<SettingsEndpoint>().ShowAsync))
            .RequireScope(Scope.Observe);
        var page = services.GetRequiredService<DashboardPage>();
        endpoints.Map("/", failures.Guard(page.ShowAsync)).AllowAnonymous();
        endpoints.Map("/favicon.ico", failures.Guard(page.ShowIconAsync)).AllowAnonymous();
        endpoints.Map("/dashboard/{**asset}", failures.Guard(page.ShowAsync)).AllowAnonymous();
    }
}
