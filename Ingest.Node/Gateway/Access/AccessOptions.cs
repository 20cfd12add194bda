using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Gateway.Access;

/// <summary>Whom a node lets in. Its values are in <c>hocon/ingest.conf</c>.</summary>
internal sealed record AccessOptions
{
    /// <summary>The node may listen for others than this machine although it asks nobody who they are.</summary>
    public required bool AllowAnonymous { get; init; }

    /// <summary>Callers may show a key of <c>ingest.api_keys</c>.</summary>
    public required bool ApiKeys { get; init; }

    /// <summary>How often the keys are read anew.</summary>
    public required TimeSpan ApiKeysRefresh { get; init; }

    /// <summary>Callers may show a token of this issuer; null where no token is taken.</summary>
    public required JwtOptions? Jwt { get; init; }

    /// <summary>What a caller may have whose key says nothing else.</summary>
    public required CallerLimits Limits { get; init; }

    /// <summary>The node asks its callers who they are.</summary>
    public bool IsOn => ApiKeys || Jwt is not null;
}

/// <summary>Which tokens (RFC 7519) are taken.</summary>
/// <param name="Issuer">The claim <c>iss</c>, exactly.</param>
/// <param name="Audience">One of the values of the claim <c>aud</c>.</param>
/// <param name="Keys">A file or URL with a JSON Web Key Set; empty: the issuer's discovery document names it.</param>
/// <param name="GrantsClaim">The claim that holds the grants, as text separated by spaces or as an array.</param>
internal sealed record JwtOptions(
    string Issuer,
    [property: MinLength(1, ErrorMessage = "audience must be set where issuer is")] string Audience,
    string Keys,
    [property: MinLength(1, ErrorMessage = "grants-claim must be set")] string GrantsClaim);
