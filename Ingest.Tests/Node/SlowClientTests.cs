using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ingest.Tests.Node;

/// <summary>Clients that are slow on purpose, beside one that is not.</summary>
[Collection(nameof(Alone))]
public sealed class SlowClientTests(SlowClientTests.Fixture fixture) : IClassFixture<SlowClientTests.Fixture>
{
    private const int Probes = 30;

    // The machine may be busy with something else for a moment.
    private const double MaxRatio = 4;
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(25);

    private readonly List<TcpClient> clients = [];

    private TestNode Node => fixture.Node;

    [Fact]
    public Task Should_serve_others_beside_a_thousand_idle_connections_and_close_them() => AttackAsync(
        1_000,
        _ => Task.CompletedTask,
        closedWithin: TimeSpan.FromSeconds(12));

    [Fact]
    public Task Should_serve_others_beside_headers_that_trickle_and_cut_them() => AttackAsync(
        100,
        client => TrickleAsync(client, "GET /v1/tables HTTP/1.1\r\nHost: t\r\nX-A: ", "a"),
        closedWithin: TimeSpan.FromSeconds(20));

    [Fact]
    public Task Should_serve_others_beside_bodies_that_trickle_and_cut_them() => AttackAsync(
        100,
        client => TrickleAsync(
            client,
            "POST /v1/tables/clicks/rows HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
            + "Content-Length: 10000\r\n\r\n{\"url\":\"",
            "u"),
        closedWithin: TimeSpan.FromSeconds(20));

    [Fact]
    public Task Should_serve_others_beside_streams_that_are_half_open_and_end_them() => AttackAsync(
        100,
        client => SendAsync(
            client,
            "POST /v1/tables/clicks/rows HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\n"
            + "Transfer-Encoding: chunked\r\n\r\nc\r\n{\"url\":\"u\"}\n\r\n"),
        closedWithin: TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Should_refuse_headers_that_are_too_large()
    {
        using var client = await ConnectAsync();
        await SendAsync(client, $"GET /v1/tables HTTP/1.1\r\nHost: t\r\nX-Large: {new string('a', 40_000)}\r\n\r\n");

        using var reader = new StreamReader(client.GetStream());
        Assert.Equal("HTTP/1.1 431 Request Header Fields Too Large", await reader.ReadLineAsync());
    }

    [Fact]
    public async Task Should_serve_others_beside_callers_who_do_not_read_their_verdicts_and_cut_them()
    {
        var row = "{\"url\":\"u\"}\n";
        var rows = string.Concat(Enumerable.Repeat(row, 1_000));
        var chunk = string.Create(CultureInfo.InvariantCulture, $"{rows.Length:x}\r\n{rows}\r\n");
        var before = await MedianAsync();
        for (var number = 0; number < 4; number++)
        {
            var client = new TcpClient { ReceiveBufferSize = 4096 };
            clients.Add(client);
            await client.ConnectAsync("127.0.0.1", fixture.Port);
            await SendAsync(
                client,
                "POST /v1/tables/clicks/rows HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-ndjson\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n");
        }

        // They write until the node reads no more, since nobody reads from it.
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var writers = clients.Select(client => WriteOnAsync(client, chunk, stop.Token)).ToList();
        var beside = await MedianAsync();

        Assert.True(beside < (before * MaxRatio) + Slack, $"{beside} beside them, {before} before");
        Assert.All(await Task.WhenAll(writers), Assert.True);
        foreach (var client in clients) client.Dispose();
    }

    private static async Task<bool> WriteOnAsync(TcpClient client, string chunk, CancellationToken stop)
    {
        var bytes = Encoding.ASCII.GetBytes(chunk);
        try
        {
            while (true) await client.GetStream().WriteAsync(bytes, stop);
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Opens connections that do something; the latency of a row beside them is to be as before.</summary>
    private async Task AttackAsync(int count, Func<TcpClient, Task> act, TimeSpan closedWithin)
    {
        var before = await MedianAsync();
        for (var number = 0; number < count; number++) clients.Add(await ConnectAsync());
        var acts = clients.Select(act).ToList();

        var beside = await MedianAsync();

        Assert.True(beside < (before * MaxRatio) + Slack, $"{beside} beside them, {before} before");
        using var limit = new CancellationTokenSource(closedWithin);
        await Task.WhenAll(clients.Select(client => ReadToEndAsync(client, limit.Token)));
        await Task.WhenAll(acts);
        foreach (var client in clients) client.Dispose();
        Assert.Equal(201, (await Node.PostAsync("clicks", """{"url":"u"}""")).Status);
    }

    private async Task<TimeSpan> MedianAsync()
    {
        var took = new List<TimeSpan>();
        for (var probe = 0; probe < Probes; probe++)
        {
            var started = TimeProvider.System.GetTimestamp();
            Assert.Equal(201, (await Node.PostAsync("clicks", """{"url":"u"}""")).Status);
            took.Add(TimeProvider.System.GetElapsedTime(started));
        }

        return took.Order().ElementAt(Probes / 2);
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync("127.0.0.1", fixture.Port);
        return client;
    }

    private static async Task SendAsync(TcpClient client, string text) =>
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends one more character ten times a second until the other side has had enough.</summary>
    private static async Task TrickleAsync(TcpClient client, string start, string more)
    {
        try
        {
            await SendAsync(client, start);
            while (true)
            {
                await SendAsync(client, more);
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut, which is what the test waits for.
        }
    }

    /// <summary>Returns when the server has closed the connection.</summary>
    private static async Task ReadToEndAsync(TcpClient client, CancellationToken limit)
    {
        var buffer = new byte[4096];
        try
        {
            while (await client.GetStream().ReadAsync(buffer, limit) > 0) { }
        }
        catch (IOException)
        {
            // Closed with a reset.
        }

        client.Close();
    }

    public sealed class Fixture() : NodeFixture(
        "CREATE TABLE clicks(id uuid PRIMARY KEY, url text)",
        ("INGEST_KEEP_ALIVE_TIMEOUT", "2s"),
        ("INGEST_STREAM_IDLE_TIMEOUT", "2s"))
    {
        internal int Port => new Uri(Node.Host.Addresses.First()).Port;

        /// <summary>Shortens the limits that are no settings: Kestrel reads them for each request.</summary>
        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            var limits = Node.Host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
            // What docs/security.md says.
            Assert.Equal(TimeSpan.FromSeconds(10), limits.RequestHeadersTimeout);
            Assert.Equal(
                (240, TimeSpan.FromSeconds(5)),
                (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
            limits.RequestHeadersTimeout = TimeSpan.FromSeconds(2);
            limits.MinRequestBodyDataRate = new MinDataRate(240, gracePeriod: TimeSpan.FromSeconds(2));
        }
    }
}
