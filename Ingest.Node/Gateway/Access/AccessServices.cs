namespace Ingest.Node.Gateway.Access;

/// <summary>What a host adds so that callers are asked who they are.</summary>
internal static class AccessServices
{
    /// <summary>Registers what asks callers; nothing where nobody is to be asked.</summary>
    public static IServiceCollection AddIngestAccess(this IServiceCollection services, AccessOptions options)
    {
        services.AddSingleton(new TableAccess(options.IsOn, options.Limits.IsAny));
        if (!options.IsOn && !options.Limits.IsAny) return services;
        services.AddSingleton(options).AddSingleton<CallerBudgets>().AddSingleton<AccessAnswers>();
        if (options.ApiKeys)
            services.AddSingleton<ApiKeys>().AddHostedService(all => all.GetRequiredService<ApiKeys>());
        if (options.Jwt is not null) services.AddSingleton<TokenCallers>();
        if (!options.IsOn) return services.AddSingleton<AddressCallers>();
        return services.AddSingleton(all => new AccessGuard(
            all.GetService<ApiKeys>(), all.GetService<TokenCallers>(), all.GetRequiredService<AccessAnswers>()));
    }

    /// <summary>Puts the guard before the endpoints.</summary>
    public static void UseIngestAccess(this WebApplication app)
    {
        if (app.Services.GetService<AccessGuard>() is { } guard)
            app.Use(next => context => guard.InvokeAsync(context, next));
        else if (app.Services.GetService<AddressCallers>() is { } callers)
            app.Use(next => context => callers.InvokeAsync(context, next));
    }
}
