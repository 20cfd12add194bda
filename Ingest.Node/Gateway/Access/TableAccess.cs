using System.Security.Claims;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Whether a caller may do something with a table. Where the node asks nobody who they are, everybody may, and asking
/// costs a comparison.
/// </summary>
/// <param name="isOn">The node asks its callers who they are.</param>
internal sealed class TableAccess(bool isOn)
{
    public bool IsOn => isOn;

    /// <summary>Whether the caller of a request has one of <paramref name="scopes"/> for a table.</summary>
    /// <param name="table">The name that the table is served by.</param>
    public bool Allows(HttpContext context, Scope scopes, string table) => !isOn || Allows(context.User, scopes, table);

    /// <inheritdoc cref="Allows(HttpContext, Scope, string)"/>
    public bool Allows(ClaimsPrincipal user, Scope scopes, string table) =>
        !isOn || (user is Caller caller && caller.Grants.Allow(scopes, table));
}
