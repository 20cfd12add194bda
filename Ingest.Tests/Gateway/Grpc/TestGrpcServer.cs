using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Grpc;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Tests.Grpc;

/// <summary>The gRPC surface on a real Kestrel, at a port of its own, over any catalog and gateway.</summary>
internal sealed class TestGrpcServer : IAsyncDisposable
{
    public const long MaxRowBytes = 10_000;

    private readonly WebApplication app;

    private TestGrpcServer(WebApplication app)
    {
        this.app = app;
        var features = app.Services.GetRequiredService<IServer>().Features;
        Channel = GrpcChannel.ForAddress(features.Get<IServerAddressesFeature>()!.Addresses.First());
        Client = new ApiClient(Channel);
    }

    public GrpcChannel Channel { get; }

    public ApiClient Client { get; }

    public IHostApplicationLifetime Lifetime => app.Lifetime;

    public static async Task<TestGrpcServer> StartAsync(
        IRowGateway gateway, ITableCatalog catalog, TimeSpan? idle = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureForIngest();
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton(gateway);
        builder.Services.AddSingleton(catalog);
        var options = new IntakeOptions(
            MaxRowBytes, streamChunks: 8, TimeSpan.FromSeconds(3), idle ?? TimeSpan.FromSeconds(60), 1 << 20);
        builder.Services.AddIngestGrpc(options);
        var app = builder.Build();
        app.MapIngestGrpc();
        await app.StartAsync();
        return new TestGrpcServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await app.DisposeAsync();
    }
}

/// <summary>What tests do with a stream.</summary>
internal static class Streams
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Sends messages, closes the caller's side, and reads all verdicts.</summary>
    public static async Task<List<Verdicts>> ExchangeAsync(this ApiClient client, params CreateStreamRequest[] messages)
    {
        using var call = client.CreateStream();
        foreach (var message in messages) await call.RequestStream.WriteAsync(message);
        await call.RequestStream.CompleteAsync();
        return await call.ReadAllAsync();
    }

    /// <summary>Reads verdicts up to the end.</summary>
    public static async Task<List<Verdicts>> ReadAllAsync(
        this AsyncDuplexStreamingCall<CreateStreamRequest, CreateStreamResponse> call)
    {
        using var limit = new CancellationTokenSource(Limit);
        var verdicts = new List<Verdicts>();
        while (await call.ResponseStream.MoveNext(limit.Token)) verdicts.AddRange(call.ResponseStream.Current.Verdicts);
        return verdicts;
    }

    /// <summary>Each row that has a verdict, by its number.</summary>
    public static Dictionary<ulong, Outcome> ByNumber(this IEnumerable<Verdicts> verdicts) => verdicts
        .SelectMany(range => Enumerable.Range(0, (int)range.Count).Select(i => (range.First + (ulong)i, range.Outcome)))
        .ToDictionary();
}
