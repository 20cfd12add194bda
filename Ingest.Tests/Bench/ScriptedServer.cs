using System.Collections.Concurrent;
using System.Net;
using Ingest.Bench.Load;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ingest.Tests.Bench;

/// <summary>A real HTTP server on a free port whose answers a test writes; it keeps the bodies that it was
/// sent.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private int lastRequest;

    private ScriptedServer(WebApplication app) => this.app = app;

    public ConcurrentQueue<string> Bodies { get; } = new();

    public Uri Url =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Answers whole requests: the script gets the request's number, from 1.</summary>
    public static Task<ScriptedServer> AnswerAsync(Func<HttpContext, int, Task> script) =>
        StartAsync(async (server, context) =>
    {
        using var reader = new StreamReader(context.Request.Body);
        server.Bodies.Enqueue(await reader.ReadToEndAsync());
        await script(context, Interlocked.Increment(ref server.lastRequest));
    });

    /// <summary>
    /// Answers a line for each line: the script gets the line's text and its number in its request, from 1, and returns
    /// the status, or 0 to end the answer there.
    /// </summary>
    /// <param name="refuse">Looks at a stream first; true where it has refused it as a whole.</param>
    public static Task<ScriptedServer> StreamAsync(
        Func<HttpContext, string, int, int> script, Func<HttpContext, bool>? refuse = null) =>
            StartAsync(async (server, context) =>
    {
        if (refuse?.Invoke(context) == true) return;
        context.Response.ContentType = "application/x-ndjson";
        using var reader = new StreamReader(context.Request.Body);
        var (line, committed) = (0, 0);
        while (await reader.ReadLineAsync() is { } text)
        {
            server.Bodies.Enqueue(text);
            var status = script(context, text, ++line);
            if (status == 0) return;
            if (status == 201) committed++;
            await context.Response.WriteAsync($"{{\"line\":{line},\"status\":{status}}}\n");
            await context.Response.Body.FlushAsync();
        }
        await context.Response.WriteAsync($"{{\"committed\":{committed},\"accepted\":0,\"rejected\":0}}\n");
    });

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource();
        await atOnce.CancelAsync();
        await app.StopAsync(atOnce.Token);
        await app.DisposeAsync();
    }

    /// <summary>Runs a load against this server to its end.</summary>
    public async Task<LoadRun> LoadAsync(LoadOptions options)
    {
        var run = new LoadRun(options with { Url = Url }, TimeProvider.System);
        await run.RunAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return run;
    }

    private static async Task<ScriptedServer> StartAsync(Func<ScriptedServer, HttpContext, Task> handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new ScriptedServer(app);
        app.Run(context => handle(server, context));
        await app.StartAsync();
        return server;
    }
}
