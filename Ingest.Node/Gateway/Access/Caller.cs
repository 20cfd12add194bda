using System.Security.Claims;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Somebody who has shown who they are. It is the request's <see cref="Microsoft.AspNetCore.Http.HttpContext.User"/>.
/// </summary>
/// <param name="name">Who it is: the name of an API key, the subject of a token, or an address.</param>
/// <param name="budget">What it may have; null where it has no limits of its own.</param>
internal sealed class Caller(string name, Grants grants, CallerBudget? budget)
    : ClaimsPrincipal(new ClaimsIdentity("ingest"))
{
    public string Name { get; } = name;

    public Grants Grants { get; } = grants;

    public CallerBudget? Budget { get; } = budget;
}
