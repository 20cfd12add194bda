using Microsoft.AspNetCore.Authorization;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Stands before the endpoints: finds out who calls, by a key or a token, and whether the endpoint is for them. Not
/// there at all where the node asks nobody who they are.
/// </summary>
/// <param name="keys">Null where keys are not taken.</param>
/// <param name="tokens">Null where tokens are not taken.</param>
internal sealed class AccessGuard(ApiKeys? keys, TokenCallers? tokens, AccessAnswers answers)
{
    private const string KeyHeader = "X-Api-Key";
    private const string BearerScheme = "Bearer ";

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var endpoint = context.GetEndpoint();
        if (endpoint is null || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null) return next(context);
        // Who has forgotten to say whom an endpoint is for has not opened it.
        var required = endpoint.Metadata.GetMetadata<RequiredScope>()?.Scopes ?? Scope.Administer;
        if (CredentialOf(context.Request) is not { } credential)
            return answers.Unauthenticated(context, wasGiven: false);
        var lookup = FindAsync(credential);
        return lookup.IsCompletedSuccessfully
            ? EnterAsync(context, next, lookup.Result, required)
            : WaitAsync(context, next, lookup, required);
    }

    private static string? CredentialOf(HttpRequest request)
    {
        var headers = request.Headers;
        if (headers.TryGetValue(KeyHeader, out var key)) return key.Count == 1 ? key[0] : "";
        var authorization = headers.Authorization;
        if (authorization.Count != 1) return authorization.Count == 0 ? null : "";
        return authorization[0]!.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[0]![BearerScheme.Length..].Trim()
            : "";
    }

    private ValueTask<Caller?> FindAsync(string credential)
    {
        if (ApiKey.TryGetId(credential, out _)) return keys?.FindAsync(credential) ?? default;
        return credential.Length > 0 ? tokens?.FindAsync(credential) ?? default : default;
    }

    private async Task WaitAsync(HttpContext context, RequestDelegate next, ValueTask<Caller?> lookup, Scope required)
    {
        Caller? caller;
        try
        {
            caller = await lookup;
        }
        catch (IssuerUnreachableException error)
        {
            await answers.CannotTell(context, error);
            return;
        }

        await EnterAsync(context, next, caller, required);
    }

    private Task EnterAsync(HttpContext context, RequestDelegate next, Caller? caller, Scope required)
    {
        if (caller is null) return answers.Unauthenticated(context, wasGiven: true);
        if (!caller.Grants.Hold(required)) return answers.Forbidden(context, required);
        context.User = caller;
        return next(context);
    }
}
