using System.Security.Claims;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Whether a caller may do something with a table. Where the node asks nobody who they are, everybody may, and asking
/// costs a comparison.
/// </summary>
/// <param name="isOn">The node asks its callers who they are.</param>
/// <param name="hasLimits">Callers have limits of their own, even if they go by their addresses.</param>
internal sealed class TableAccess(bool isOn, bool hasLimits = false)
{
    public bool IsOn => isOn;

    /// <summary>Who calls; null where nobody was asked.</summary>
    public Caller? CallerOf(HttpContext context) => isOn || hasLimits ? context.User as Caller : null;

    /// <summary>Whether the caller of a request has one of <paramref name="scopes"/> for a table.</summary>
    /// <param name="table">The name that the table is served by.</param>
    public bool Allows(HttpContext context, Scope scopes, string table) => !isOn || Allows(context.User, scopes, table);

    /// <inheritdoc cref="Allows(HttpContext, Scope, string)"/>
    public bool Allows(ClaimsPrincipal user, Scope scopes, string table) =>
        !isOn || (user is Caller caller && caller.Grants.Allow(scopes, table));
}
