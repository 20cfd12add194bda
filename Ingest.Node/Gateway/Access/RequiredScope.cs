namespace Ingest.Node.Gateway.Access;

/// <summary>An endpoint's demand: its callers have one of these scopes, for whatever table.</summary>
internal sealed record RequiredScope(Scope Scopes);

/// <summary>Says who may use an endpoint.</summary>
internal static class RequiredScopeExtensions
{
    /// <summary>
    /// Lets only callers in who have one of <paramref name="scopes"/> for some table; whether it is the right table is
    /// for the endpoint to ask of <see cref="TableAccess"/>. An endpoint without this is for administrators, but for
    /// those that are marked by <c>AllowAnonymous</c>.
    /// </summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, Scope scopes)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new RequiredScope(scopes));
}
