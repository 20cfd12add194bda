using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace Ingest.Tests.Node;

/// <summary>Tokens of an issuer that the node trusts, and others.</summary>
[Collection(nameof(AskingNode))]
public sealed class TokenTests(AskingNode fixture)
{
    [Fact]
    public async Task Should_take_a_token_of_its_issuer_for_what_it_grants()
    {
        var token = fixture.Issuer.Sign("openid write:clicks profile");

        Assert.Equal(201, await fixture.PostAsync("clicks", token, "Bearer"));
        Assert.Equal(201, await fixture.PostAsync("clicks", token, "Bearer"));
        Assert.Equal(403, await fixture.PostAsync("orders", token, "Bearer"));
    }

    [Fact]
    public async Task Should_refuse_a_token_that_is_not_for_it_or_was_not_signed_by_its_issuer()
    {
        const string Grant = "write:*";
        var issuer = fixture.Issuer;
        using var other = RSA.Create(2048);
        var foreign = new SigningCredentials(new RsaSecurityKey(other) { KeyId = "1" }, SecurityAlgorithms.RsaSha256);
        // A key that both sides would have to share: here, what everybody can read of the issuer's.
        var shared = new SigningCredentials(
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(File.ReadAllText(issuer.File))),
            SecurityAlgorithms.HmacSha256);
        var good = issuer.Sign(Grant);
        var unsigned = $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{good.Split('.')[1]}.";

        foreach (var token in new[]
        {
            issuer.Sign(Grant, issuer: "https://other.example"),
            issuer.Sign(Grant, audience: "other"),
            issuer.Sign(Grant, validFor: TimeSpan.FromMinutes(-1)),
            issuer.Sign(Grant, by: foreign),
            issuer.Sign(Grant, by: shared),
            unsigned,
            good[..^4] + "AAAA",
            "nonsense",
        })
        {
            Assert.Equal(401, await fixture.PostAsync("clicks", token, "Bearer"));
        }

        Assert.Equal(201, await fixture.PostAsync("clicks", good, "Bearer"));
    }

    [Fact]
    public async Task Should_take_a_new_key_of_the_issuer_without_a_restart()
    {
        Assert.Equal(201, await fixture.PostAsync("clicks", fixture.Issuer.Sign("write:*"), "Bearer"));

        fixture.Issuer.Rotate();
        var token = fixture.Issuer.Sign("write:*");

        await Eventually.TrueAsync(
            async () => await fixture.PostAsync("clicks", token, "Bearer") == 201, TimeSpan.FromSeconds(60));
    }
}
