using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Ingest.Node.Gateway.Access;

/// <summary>The keys that tokens are signed with cannot be had.</summary>
internal sealed class IssuerUnreachableException(Exception inner)
    : Exception("The keys of the tokens' issuer cannot be read.", inner);

/// <summary>
/// Callers by their tokens (JWT, RFC 7519), signed by one issuer. A token that was verified is known by its digest for
/// a minute at the most, so that its signature is not computed for every row.
/// </summary>
internal sealed partial class TokenCallers : IDisposable
{
    private const int MaxKnown = 10_000;
    private static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = MaxKnown });
    private readonly TokenValidationParameters parameters;
    private readonly ConfigurationManager<OpenIdConnectConfiguration> issuer;
    private readonly JwtOptions options;
    private readonly CallerLimits limits;
    private readonly CallerBudgets budgets;
    private readonly TimeProvider time;
    private readonly ILogger<TokenCallers> logger;

    public TokenCallers(
        AccessOptions access, CallerBudgets budgets, TimeProvider time, ILogger<TokenCallers> logger)
    {
        options = access.Jwt ?? throw new ArgumentException("No issuer of tokens is set.", nameof(access));
        limits = access.Limits;
        this.budgets = budgets;
        this.time = time;
        this.logger = logger;
        issuer = IssuerKeys.Of(options);
        parameters = new TokenValidationParameters
        {
            ValidIssuer = options.Issuer,
            ValidAudience = options.Audience,
            ConfigurationManager = issuer,
            ClockSkew = ClockSkew,
            // Signed by a key of the issuer's, never by a secret that both sides share.
            ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
        };
    }

    /// <summary>Who calls by a token; null where it is not valid.</summary>
    /// <exception cref="IssuerUnreachableException">It cannot be told.</exception>
    public ValueTask<Caller?> FindAsync(string token)
    {
        var digest = DigestOf(token);
        return known.TryGetValue(digest, out Known? entry) && entry!.Until > time.GetUtcNow()
            ? new ValueTask<Caller?>(entry.Caller)
            : VerifyAsync(token, digest);
    }

    public void Dispose() => known.Dispose();

    private async ValueTask<Caller?> VerifyAsync(string token, UInt128 digest)
    {
        try
        {
            await issuer.GetConfigurationAsync(CancellationToken.None);
        }
        catch (InvalidOperationException error)
        {
            throw new IssuerUnreachableException(error);
        }

        var result = await handler.ValidateTokenAsync(token, parameters);
        if (!result.IsValid)
        {
            // The messages of the library name keys and claims, but a token's own text only where that is allowed.
            LogRefused(result.Exception.GetType().Name);
            return null;
        }

        var caller = CallerOf((JsonWebToken)result.SecurityToken);
        var now = time.GetUtcNow();
        var until = new DateTimeOffset(result.SecurityToken.ValidTo, TimeSpan.Zero);
        if (until > now + KnownFor) until = now + KnownFor;
        using var entry = known.CreateEntry(digest);
        entry.Size = 1;
        entry.AbsoluteExpirationRelativeToNow = KnownFor;
        entry.Value = new Known(caller, until);
        return caller;
    }

    private Caller CallerOf(JsonWebToken token)
    {
        var grants = token.Claims
            .Where(claim => claim.Type == options.GrantsClaim)
            .SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var name = token.Subject is { Length: > 0 } subject ? subject : "token";
        return new Caller(name, Grants.Among(grants), budgets.Of($"token {name}", limits));
    }

    private static UInt128 DigestOf(string token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var text = Encoding.UTF8.GetBytes(token);
        SHA256.HashData(text, hash);
        return BitConverter.ToUInt128(hash);
    }

    [LoggerMessage(6004, LogLevel.Debug, "A token was refused: {Reason}")]
    private partial void LogRefused(string reason);

    private sealed record Known(Caller Caller, DateTimeOffset Until);
}
