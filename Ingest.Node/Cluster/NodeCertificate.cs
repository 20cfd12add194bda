using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Remote.Transport.DotNetty;
using Ingest.Node.Gateway.Access;

namespace Ingest.Node.Cluster;

/// <summary>
/// How nodes know each other: by certificates of an authority that makes certificates for the nodes of this cluster
/// and for nobody else. Both sides show theirs. Names are not compared: whoever has such a certificate is a node.
/// </summary>
internal static class NodeCertificate
{
    /// <exception cref="SettingsException">The files cannot be used.</exception>
    public static DotNettySslSetup Load(TlsOptions files, string authority)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(authority);
            return new DotNettySslSetup(
                certificate,
                suppressValidation: false,
                requireMutualAuthentication: true,
                (shown, _, _, _, _) => shown is not null && IsOf(roots, shown));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new SettingsException($"The certificate of ingest.cluster.tls cannot be used: {error.Message}");
        }
    }

    private static bool IsOf(X509Certificate2Collection roots, X509Certificate2 shown)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(shown);
    }
}
