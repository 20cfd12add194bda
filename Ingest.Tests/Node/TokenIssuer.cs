using System.Globalization;
using System.Security.Cryptography;
using Ingest.Tests.Postgres;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Ingest.Tests.Node;

/// <summary>Signs tokens, and publishes its keys in a file.</summary>
internal sealed class TokenIssuer : IDisposable
{
    public const string Name = "https://issuer.example";
    public const string Audience = "ingest-test";

    private readonly TemporaryDirectory directory = new();
    private readonly List<RSA> keys = [];

    public TokenIssuer() => Rotate();

    /// <summary>The JSON Web Key Set.</summary>
    public string File => Path.Combine(directory.Path, "jwks.json");

    private RsaSecurityKey Current => new(keys[^1]) { KeyId = keys.Count.ToString(CultureInfo.InvariantCulture) };

    /// <summary>Makes a new key, which is the only one published from now on.</summary>
    public void Rotate()
    {
        keys.Add(RSA.Create(2048));
        var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(
            new RsaSecurityKey(keys[^1].ExportParameters(includePrivateParameters: false)) { KeyId = Current.KeyId });
        System.IO.File.WriteAllText(
            File, $$"""{"keys":[{"kty":"RSA","use":"sig","kid":"{{key.Kid}}","n":"{{key.N}}","e":"{{key.E}}"}]}""");
    }

    /// <summary>A token with grants in <c>scope</c>.</summary>
    public string Sign(
        string scope,
        string issuer = Name,
        string audience = Audience,
        TimeSpan? validFor = null,
        SigningCredentials? by = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var end = now + (validFor ?? TimeSpan.FromMinutes(5));
        var handler = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false };
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = (end - TimeSpan.FromMinutes(10)).UtcDateTime,
            NotBefore = (end - TimeSpan.FromMinutes(10)).UtcDateTime,
            Expires = end.UtcDateTime,
            Claims = new Dictionary<string, object> { ["sub"] = "somebody", ["scope"] = scope },
            SigningCredentials = by ?? new SigningCredentials(Current, SecurityAlgorithms.RsaSha256),
        });
    }

    public void Dispose()
    {
        foreach (var key in keys) key.Dispose();
        directory.Dispose();
    }
}
