using Scalar.AspNetCore;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary><c>/docs</c>: the description as a page that can send requests, by Scalar, whose assets come with the
/// node. The page holds nothing of the catalog's.</summary>
internal static class DocsPage
{
    // Scalar sets its styles as the page runs, so these cannot be told apart by a nonce. Nothing may come from
    // elsewhere, and nothing may be sent elsewhere.
    private const string Policy =
        "default-src 'none'; script-src 'self' 'nonce-{0}'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static IEndpointConventionBuilder MapDocs(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapScalarApiReference("/docs", scalar =>
        {
            scalar.WithTitle("Ingest API").WithOpenApiRoutePattern("/openapi/v1.json").WithNonce();
            // Fetches the description with the key that the caller has given.
            scalar.JavaScriptConfiguration = "/dashboard/docs.js";
            // What follows would ask other hosts.
            scalar.DefaultFonts = false;
            scalar.Telemetry = false;
            scalar.HideClientButton = true;
            scalar.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            scalar.Agent = new ScalarAgentOptions { Disabled = true };
            scalar.Mcp = new ScalarMcpOptions { Disabled = true };
        })
        .WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]))
        .AddEndpointFilter(async (context, next) =>
        {
            context.HttpContext.Response.OnStarting(AddPolicy, context.HttpContext);
            return await next(context);
        });

    private static Task AddPolicy(object state)
    {
        var context = (HttpContext)state;
        var nonce = context.Items[ScalarOptions.NonceHttpContextItemKey];
        context.Response.Headers.ContentSecurityPolicy = Policy.Replace("{0}", $"{nonce}", StringComparison.Ordinal);
        return Task.CompletedTask;
    }
}
