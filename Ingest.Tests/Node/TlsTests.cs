using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Ingest.Node.Cluster;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>Two nodes that show certificates, to their callers and to each other.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private TestDatabase database = null!;
    private TestNode gateway = null!;
    private TestNode batcher = null!;

    private TestCertificates Doors { get; } = new();

    private TestCertificates Cluster { get; } = new();

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE items (id uuid PRIMARY KEY, number int)");
        using var shown = Doors.Issue();
        using var between = Cluster.Issue();
        (string, string)[] secure =
        [
            ("INGEST_REMOTE_TLS_CERTIFICATE", Cluster.Certificate),
            ("INGEST_REMOTE_TLS_KEY", Cluster.Key),
            ("INGEST_REMOTE_TLS_AUTHORITY", Cluster.Authority),
        ];
        batcher = await TestNode.StartAsync(database.ConnectionString, [("INGEST_ROLES", "batcher"), .. secure]);
        gateway = await TestNode.StartAsync(
            database.ConnectionString,
            [
                ("INGEST_ROLES", "gateway"), ("INGEST_SEED_NODES", await RemoteAddressAsync()),
                ("INGEST_TLS_CERTIFICATE", Doors.Certificate), ("INGEST_TLS_KEY", Doors.Key), .. secure,
            ]);
    }

    public async Task DisposeAsync()
    {
        await gateway.DisposeAsync();
        await batcher.DisposeAsync();
        await database.DisposeAsync();
        Doors.Dispose();
        Cluster.Dispose();
    }

    [Fact]
    public async Task Should_serve_http_1_and_2_from_the_certificate_that_is_in_the_files_now()
    {
        using var first = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Doors.Certificate));

        var before = await PostAsync(HttpVersion.Version20);
        await File.WriteAllTextAsync(Doors.Key, "half a key");
        await Task.Delay(TimeSpan.FromSeconds(1.2));
        var torn = await PostAsync(HttpVersion.Version11);
        using var second = Doors.Issue();
        await Task.Delay(TimeSpan.FromSeconds(1.2));
        var after = await PostAsync(HttpVersion.Version11);

        Assert.Equal((201, HttpVersion.Version20, first.SerialNumber), before);
        Assert.Equal((201, HttpVersion.Version11, first.SerialNumber), torn);
        Assert.Equal((201, HttpVersion.Version11, second.SerialNumber), after);
        // Rows went from one node to the other by then: the nodes have taken each other's certificates.
        Assert.Equal(3L, await database.ScalarAsync<long>("SELECT count(*) FROM items"));
    }

    [Fact]
    public async Task Should_talk_to_no_stranger_on_the_port_for_nodes()
    {
        using var strangers = new TestCertificates();
        using var foreign = strangers.Issue();
        using var own = Cluster.Issue();

        Assert.False(await IsTakenAsync(certificate: null));
        Assert.False(await IsTakenAsync(foreign));
        Assert.True(await IsTakenAsync(own));
    }

    [Fact]
    public async Task Should_cut_who_opens_and_cancels_requests_over_http_2_while_others_are_served()
    {
        await PostAsync(HttpVersion.Version11);
        var before = await MedianAsync();

        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri(gateway.Host.Addresses.First()).Port);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
        });
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var reset = RapidReset.RunAsync(tls, stop.Token);
        var beside = await MedianAsync();

        Assert.True(await reset, "the connection was left open");
        // The attack takes processor time while it lasts, and the machine has little of it.
        Assert.True(beside < (before * 5) + TimeSpan.FromMilliseconds(50), $"{beside} beside it, {before} before");
    }

    [Fact]
    public void Should_refuse_files_that_hold_no_certificate()
    {
        File.WriteAllText(Cluster.Certificate, "nothing");

        Assert.Throws<SettingsException>(
            () => NodeCertificate.Load(new(Cluster.Certificate, Cluster.Key), Cluster.Authority));
    }

    /// <summary>Posts a row over a connection of its own.</summary>
    /// <returns>The status, the version that was spoken, and the serial number of the certificate.</returns>
    private async Task<(int Status, Version Version, string? Serial)> PostAsync(Version version)
    {
        string? serial = null;
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) =>
        {
            serial = ((X509Certificate2)shown!).SerialNumber;
            return Doors.Made((X509Certificate2)shown);
        };
        using var client = new HttpClient(handler);
        var url = $"{gateway.Host.Addresses.First()}/v1/tables/items/rows";
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("""{"number":1}""", Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, response.Version, serial);
    }

    private async Task<TimeSpan> MedianAsync()
    {
        var took = new List<TimeSpan>();
        for (var probe = 0; probe < 30; probe++)
        {
            var started = TimeProvider.System.GetTimestamp();
            Assert.Equal(201, (await PostAsync(HttpVersion.Version11)).Status);
            took.Add(TimeProvider.System.GetElapsedTime(started));
        }

        return took.Order().ElementAt(took.Count / 2);
    }

    /// <summary>Whether the batcher goes on with a connection to its port for nodes.</summary>
    private async Task<bool> IsTakenAsync(X509Certificate2? certificate)
    {
        var address = (await RemoteAddressAsync()).Split(':');
        using var client = new TcpClient();
        await client.ConnectAsync(address[0], int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture));
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ClientCertificates = certificate is null ? null : [certificate],
                // The stranger trusts the node; the question is whether the node trusts him.
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            }).WaitAsync(Patience);
            // Who is taken is waited for to speak first; who is not is hung up on.
            using var wait = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            return await tls.ReadAsync(new byte[1], wait.Token) != 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            return false;
        }
    }

    private async Task<string> RemoteAddressAsync()
    {
        string? address = null;
        await Eventually.TrueAsync(async () =>
        {
            var state = await batcher.Http.GetFromJsonAsync<JsonElement>("/v1/cluster");
            var self = state.GetProperty("members").EnumerateArray()
                .Where(member => member.GetProperty("self").GetBoolean()).ToList();
            address = self is [var one] ? one.GetProperty("address").GetString() : null;
            return address is not null;
        });
        return address!;
    }
}
