using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// The certificate that callers are shown. Its files are looked at again when somebody connects, at most once a second,
/// by what is in them: mounted secrets change by a link somewhere above the files, which their own times do not tell.
/// Files that do not fit together are passed over until they do, since two files cannot be swapped at once.
/// </summary>
internal sealed partial class ServerCertificate
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly TlsOptions files;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock looking = new();
    private (string Certificate, string Key) texts;
    private volatile SslStreamCertificateContext current;
    private long lookedAt;

    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="CryptographicException">The files hold no certificate with its key.</exception>
    public ServerCertificate(TlsOptions files, TimeProvider time, ILogger logger)
    {
        (this.files, this.time, this.logger) = (files, time, logger);
        texts = Read();
        current = Load();
        lookedAt = time.GetTimestamp();
    }

    /// <summary>Serves HTTP/1.1 and HTTP/2 with this certificate, as the caller likes (ALPN, RFC 7301).</summary>
    public void Serve(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeTimeout,
            OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = Current(),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
    }

    private SslStreamCertificateContext Current()
    {
        if (time.GetElapsedTime(Volatile.Read(ref lookedAt)) < LookEvery || !looking.TryEnter()) return current;
        try
        {
            Look();
        }
        finally
        {
            Volatile.Write(ref lookedAt, time.GetTimestamp());
            looking.Exit();
        }

        return current;
    }

    private void Look()
    {
        try
        {
            var found = Read();
            if (found == texts) return;
            texts = found;
            current = Load();
            LogRenewed(current.TargetCertificate.NotAfter.ToUniversalTime());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            LogUnusable(files.Certificate, error.Message);
        }
    }

    private (string Certificate, string Key) Read() =>
        (File.ReadAllText(files.Certificate), File.ReadAllText(files.Key));

    private SslStreamCertificateContext Load()
    {
        var certificate = X509Certificate2.CreateFromPem(texts.Certificate, texts.Key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(texts.Certificate);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    [LoggerMessage(6010, LogLevel.Information, "Callers are shown the certificate's new version, good until {End:u}.")]
    private partial void LogRenewed(DateTime end);

    [LoggerMessage(6011, LogLevel.Warning, "The certificate in {File} cannot be used; the one before stays: {Reason}")]
    private partial void LogUnusable(string file, string reason);
}
