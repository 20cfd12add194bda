using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ingest.Node.Gateway.Intake;

/// <summary>What both doors take rows by.</summary>
internal static class IntakeServices
{
    /// <summary>Registers it once, for whichever door comes first.</summary>
    public static IServiceCollection AddIngestIntake(this IServiceCollection services, IntakeOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(new TableAccess(isOn: false));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EncoderPool>();
        services.TryAddSingleton<TableLookup>();
        services.TryAddSingleton<Failures>();
        services.TryAddSingleton<SingleRow>();
        return services;
    }
}
