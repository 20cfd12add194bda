using System.Globalization;
using System.Net;
using System.Text.Json;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Http.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Ingest.Tests.Http;

/// <summary>Bodies that do not come to an end.</summary>
public sealed class SlowBodyTests
{
    [Fact]
    public async Task Should_end_a_stream_that_brings_no_whole_row_though_it_brings_bytes()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.BeginAsync();
        await connection.ChunkAsync("{\"url\":\"u\"}\n");
        await connection.ReadHeadAsync();
        Assert.Contains("201", await connection.ReadContentLineAsync(), StringComparison.Ordinal);
        var started = TimeProvider.System.GetTimestamp();

        using var stop = new CancellationTokenSource();
        var trickle = TrickleAsync(connection, stop.Token);
        var summary = JsonSerializer.Deserialize<JsonElement>(await connection.ReadContentLineAsync());
        await stop.CancelAsync();
        await trickle;

        Assert.Equal(1, summary.GetProperty("committed").GetInt32());
        Assert.Equal("/problems/stream-idle", summary.GetProperty("error").GetProperty("type").GetString());
        // The limit is 2 s on this server.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1.5, 9);
    }

    [Fact]
    public async Task Should_keep_a_stream_that_brings_a_row_now_and_then()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());
        using var connection = await RawConnection.OpenAsync(server.Address);
        await connection.BeginAsync();
        for (var row = 0; row < 3; row++)
        {
            await connection.ChunkAsync("{\"url\":\"u\"}\n");
            if (row == 0) await connection.ReadHeadAsync();
            Assert.Contains("201", await connection.ReadContentLineAsync(), StringComparison.Ordinal);
            await Task.Delay(TimeSpan.FromSeconds(1.2));
        }

        await connection.EndAsync();

        Assert.Contains("\"committed\":3", await connection.ReadContentLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_hold_no_more_of_unfinished_rows_than_it_may_and_take_rows_again_when_they_are_gone()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());
        var half = $"{{\"url\":\"{new string('u', (int)TestHttpServer.MaxRowBytes - 100)}";
        var slow = new List<RawConnection>();
        for (var caller = 0; caller < 15; caller++)
        {
            var connection = await RawConnection.OpenAsync(server.Address);
            slow.Add(connection);
            await connection.SendAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"POST /v1/tables/clicks/rows HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {half.Length + 2}\r\n\r\n{half}"));
        }

        // Who is one too many hears it at once; the others wait for the rest of their rows.
        var heads = slow.Select(connection => connection.ReadHeadAsync()).ToList();
        await Eventually.TrueAsync(() => heads.Count(head => head.IsCompleted) >= 5);
        await Task.Delay(TimeSpan.FromSeconds(1));
        var refused = heads.Where(head => head.IsCompleted).ToList();

        Assert.InRange(refused.Count, 5, 7);
        foreach (var head in refused) Assert.StartsWith("HTTP/1.1 429", await head, StringComparison.Ordinal);
        foreach (var connection in slow) connection.Dispose();
        await Eventually.TrueAsync(() => server.Partial.Held == 0);
        using var response = await server.PostAsync("""{"url":"u"}""");
        Assert.Equal(201, (int)response.StatusCode);
    }

    [Fact]
    public async Task Should_not_fail_to_end_the_read_of_a_caller_who_is_gone()
    {
        var failure = new TaskCompletionSource<(Exception? Bare, Exception? Guarded)>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        app.MapPost("/v1/tables/clicks/rows", async context =>
        {
            var body = context.Request.BodyReader;
            context.Abort();
            // The read ends as the connection does.
            await Record.ExceptionAsync(async () => await body.ReadAsync());
            failure.SetResult((
                Record.Exception(body.CancelPendingRead), Record.Exception(() => PendingRead.Cancel(body))));
        });
        await app.StartAsync();
        using var connection = await RawConnection.OpenAsync(new Uri(app.Urls.First()));

        await connection.BeginAsync();

        var (bare, guarded) = await failure.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.NotNull(bare);
        Assert.Null(guarded);
    }

    [Fact]
    public void Should_count_what_each_request_holds()
    {
        var partial = new PartialRows(maxBytes: 10);
        long first = 0, second = 0;

        Assert.True(partial.TryHold(ref first, 6));
        Assert.False(partial.TryHold(ref second, 5));
        Assert.True(partial.TryHold(ref second, 4));
        Assert.False(partial.TryHold(ref first, 7));
        Assert.Equal((6, 4, 10), (first, second, partial.Held));
        Assert.True(partial.TryHold(ref first, 0));
        Assert.True(partial.TryHold(ref second, 10));
    }

    private static async Task TrickleAsync(RawConnection connection, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await connection.ChunkAsync(" ");
                await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // The server has hung up, or the test has seen enough.
        }
    }
}
