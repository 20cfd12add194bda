using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Where the public keys of a tokens' issuer come from: its discovery document (OpenID Connect Discovery 1.0), or a
/// JSON Web Key Set (RFC 7517) in a file or at a URL. Read again every five minutes, and at once, though not more often
/// than twice a minute, when a token names a key that is not among them.
/// </summary>
internal static class IssuerKeys
{
    private static readonly TimeSpan Anew = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ForUnknown = TimeSpan.FromSeconds(30);

    public static ConfigurationManager<OpenIdConnectConfiguration> Of(JwtOptions options)
    {
        var address = options.Keys.Length > 0
            ? options.Keys
            : $"{options.Issuer.TrimEnd('/')}/.well-known/openid-configuration";
        IConfigurationRetriever<OpenIdConnectConfiguration> read = options.Keys.Length > 0
            ? new KeySetReader()
            : new OpenIdConnectConfigurationRetriever();
        IDocumentRetriever document = Uri.TryCreate(address, UriKind.Absolute, out var url) && !url.IsFile
            // Who can change the keys on their way can make himself any caller; on this machine there is no way.
            ? new HttpDocumentRetriever { RequireHttps = !url.IsLoopback }
            : new FileDocumentRetriever();
        return new ConfigurationManager<OpenIdConnectConfiguration>(address, read, document)
        {
            AutomaticRefreshInterval = Anew,
            RefreshInterval = ForUnknown,
            // A key that the issuer has withdrawn is not to be good for an hour more.
            UseLastKnownGoodConfiguration = false,
        };
    }

    private sealed class KeySetReader : IConfigurationRetriever<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(
            string address, IDocumentRetriever retriever, CancellationToken cancel)
        {
            var set = new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel));
            var configuration = new OpenIdConnectConfiguration { JsonWebKeySet = set };
            foreach (var key in set.GetSigningKeys()) configuration.SigningKeys.Add(key);
            return configuration;
        }
    }
}
