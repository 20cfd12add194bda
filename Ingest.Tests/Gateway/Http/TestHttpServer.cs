using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ingest.Tests.Http;

/// <summary>The HTTP surface on a real Kestrel, at a port of its own, over any catalog and gateway.</summary>
internal sealed class TestHttpServer : IAsyncDisposable
{
    public const long MaxRowBytes = 10_000;
    public const long PartialBytes = 100_000;

    private readonly WebApplication app;

    private TestHttpServer(WebApplication app)
    {
        this.app = app;
        var features = app.Services.GetRequiredService<IServer>().Features;
        Address = new Uri(features.Get<IServerAddressesFeature>()!.Addresses.First());
        Client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    /// <summary>What it holds of rows that have not come in as a whole.</summary>
    public PartialRows Partial => app.Services.GetRequiredService<PartialRows>();

    public IHostApplicationLifetime Lifetime => app.Lifetime;

    public static async Task<TestHttpServer> StartAsync(
        IRowGateway gateway,
        ITableCatalog? catalog = null,
        IAccounting? accounting = null,
        Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseIngestSockets().ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureForIngest();
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddSingleton(gateway);
        builder.Services.AddSingleton(catalog ?? new FixedCatalog(TestTables.Clicks()));
        builder.Services.AddSingleton(accounting ?? new FixedAccounting());
        builder.Services.AddSingleton<IClusterView>(new FixedCluster());
        builder.Services.AddSingleton<IReceipts>(new NoReceipts());
        builder.Services.AddSingleton<IClusterAccounting>(new FixedCluster());
        builder.Services.AddIngestHttp(new IntakeOptions(
            MaxRowBytes, streamChunks: 64, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), PartialBytes));
        configure?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseRowRoute();
        app.MapIngest();
        await app.StartAsync();
        return new TestHttpServer(app);
    }

    public Task<HttpResponseMessage> PostAsync(
        string body, string mediaType = "application/json", string path = "/v1/tables/clicks/rows") =>
        PostAsync(Encoding.UTF8.GetBytes(body), mediaType, path);

    public Task<HttpResponseMessage> PostAsync(
        byte[] body, string mediaType, string path = "/v1/tables/clicks/rows", string? coding = null)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        if (coding is not null) content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        return Client.PostAsync(new Uri(path, UriKind.Relative), content);
    }

    /// <summary>Posts NDJSON and reads each line of the answer.</summary>
    public async Task<JsonElement[]> PostLinesAsync(
        string body, string mediaType = "application/x-ndjson", string query = "")
    {
        using var response = await PostAsync(body, mediaType, $"/v1/tables/clicks/rows{query}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await ReadLinesAsync(response);
    }

    public static async Task<JsonElement[]> ReadLinesAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse).ToArray();
    }

    public static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response) =>
        Parse(await response.Content.ReadAsStringAsync());

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
    }

    private sealed class NoReceipts : IReceipts
    {
        public Task<ReceiptState> LookUpAsync(Ingest.Messages.Receipt receipt, CancellationToken cancellation) =>
            Task.FromResult(new ReceiptState(ReceiptStatus.Pending));
    }

    private sealed class FixedCluster : IClusterView, IClusterAccounting
    {
        public Task<IReadOnlyList<ClusterMember>> MembersAsync(CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<ClusterMember>>(
                [new ClusterMember("127.0.0.1:8082", "Up", ["batcher", "gateway"], true, true, ["clicks/0"])]);

        public Task<ClusterAccounts> CollectAsync(CancellationToken cancellation) =>
            Task.FromResult(new ClusterAccounts(["127.0.0.1:8082"], ["127.0.0.1:8083"], [new("a", 20, 10, 6, 2, 2)]));
    }

    private sealed class FixedAccounting : IAccounting
    {
        public DateTimeOffset Since { get; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public IReadOnlyList<TableAccount> Snapshot() => [new("a", 10, 5, 3, 1, 1), new("b", 4, 4, 0, 0, 0)];
    }
}
