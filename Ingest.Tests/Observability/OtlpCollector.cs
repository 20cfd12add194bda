using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ingest.Tests.Observability;

/// <summary>A server that takes what OTLP exporters send over HTTP, and keeps it.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly ConcurrentBag<(string Path, string Body)> received = [];
    private readonly WebApplication app;

    private OtlpCollector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        app = builder.Build();
        app.Run(TakeAsync);
    }

    public string Address =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<OtlpCollector> StartAsync()
    {
        var collector = new OtlpCollector();
        await collector.app.StartAsync();
        return collector;
    }

    /// <summary>True where a body that was posted to a path holds a text: names are plain in protobuf.</summary>
    public bool Has(string path, string text) =>
        received.Any(one => one.Path == path && one.Body.Contains(text, StringComparison.Ordinal));

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        received.Add((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
    }
}
