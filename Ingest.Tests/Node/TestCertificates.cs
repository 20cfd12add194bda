using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>An authority and the certificates that it makes, in files.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly X509Certificate2 authority;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=authority {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(2));
        File.WriteAllText(Authority, authority.ExportCertificatePem());
    }

    public string Authority => Path.Combine(directory.Path, "authority.pem");

    public string Certificate => Path.Combine(directory.Path, "certificate.pem");

    public string Key => Path.Combine(directory.Path, "key.pem");

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>Makes a certificate for this machine and puts it into the files.</summary>
    public X509Certificate2 Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var bare = request.Create(
            authority, Now.AddHours(-1), Now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        var certificate = bare.CopyWithPrivateKey(key);
        File.WriteAllText(Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }

    /// <summary>Whether the authority made a certificate.</summary>
    public bool Made(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    public void Dispose()
    {
        authority.Dispose();
        directory.Dispose();
    }
}
