namespace Ingest.Node.Gateway.Http;

/// <summary>
/// The way to the endpoint of rows past the router, which makes a dictionary and two strings for each request. What it
/// does not know for certain (other letters' case, percent signs) the router finds.
/// </summary>
internal static class RowRoute
{
    public const string Pattern = "/v1/tables/{table}/rows";

    private const string Prefix = "/v1/tables/";
    private const string Suffix = "/rows";

    /// <summary>Reads the table's name, as the caller means it, from a path that is rows' for certain.</summary>
    public static bool TryRead(HttpContext context, out ReadOnlySpan<char> table)
    {
        var path = context.Request.Path.Value.AsSpan();
        var isRows = path.Length > Prefix.Length + Suffix.Length && path.StartsWith(Prefix, StringComparison.Ordinal)
            && path.EndsWith(Suffix, StringComparison.Ordinal);
        table = isRows ? path[Prefix.Length..^Suffix.Length] : default;
        return isRows && !table.ContainsAny('/', '%');
    }

    /// <summary>Puts the short way before the router.</summary>
    public static void UseRowRoute(this WebApplication app)
    {
        var endpoint = new Lazy<Endpoint>(() => app.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>().Single(endpoint => endpoint.RoutePattern.RawText == Pattern));
        app.Use(next => context =>
        {
            if (TryRead(context, out _)) context.SetEndpoint(endpoint.Value);
            return next(context);
        });
        app.UseRouting();
    }
}
