using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using Ingest.Messages.Client;
using Ingest.Tests.Http;

namespace Ingest.Tests.Grpc;

/// <summary>Streams and connections of callers that hold them and send no rows.</summary>
public sealed class IdleStreamTests : IAsyncLifetime
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    private readonly ScriptedGateway gateway = new();
    private TestGrpcServer server = null!;

    public async Task InitializeAsync() => server = await TestGrpcServer.StartAsync(
        gateway, new FixedCatalog(TestTables.Clicks()), Idle);

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        Assert.Equal(0, gateway.Outstanding);
    }

    [Fact]
    public async Task Should_end_a_stream_that_brings_no_rows_though_it_brings_headers()
    {
        var header = new CreateStreamRequest { Header = new Header { Table = "clicks" } };
        using var call = server.Client.CreateStream();
        await call.RequestStream.WriteAsync(
            new CreateStreamRequest(header) { Json = { ByteString.CopyFromUtf8("""{"url":"a"}""") } });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        var started = TimeProvider.System.GetTimestamp();

        using var stop = new CancellationTokenSource();
        var trickle = TrickleAsync(call.RequestStream, header, stop.Token);
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ReadAllAsync());
        await stop.CancelAsync();
        await trickle;

        Assert.Equal(StatusCode.Aborted, error.StatusCode);
        Assert.Equal("STREAM_IDLE", error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1.5, 9);
        Assert.Equal(1, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_keep_a_stream_that_brings_a_row_now_and_then()
    {
        using var call = server.Client.CreateStream();
        for (var row = 0; row < 3; row++)
        {
            var message = new CreateStreamRequest { Json = { ByteString.CopyFromUtf8("""{"url":"a"}""") } };
            if (row == 0) message.Header = new Header { Table = "clicks" };
            await call.RequestStream.WriteAsync(message);
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            await Task.Delay(Idle * 0.4);
        }

        await call.RequestStream.CompleteAsync();

        Assert.Empty(await call.ReadAllAsync());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Should_not_be_noticed_by_users_of_the_client()
    {
        await using var client = new IngestClient($"http://{server.Channel.Target}");
        Assert.True((await client.CreateAsync("clicks", """{"url":"a"}""")).IsWritten);
        await Task.Delay(Idle * 1.25);

        Assert.True((await client.CreateAsync("clicks", """{"url":"b"}""")).IsWritten);

        Assert.Equal(2, gateway.SubmittedRows);
    }

    /// <summary>RFC 9113, 6.5.2: a connection begins with what the server takes.</summary>
    [Fact]
    public async Task Should_tell_each_connection_how_much_it_may_hold()
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri($"http://{server.Channel.Target}").Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        await client.GetStream().WriteAsync(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0 });

        var settings = await ReadFrameAsync(client.GetStream());
        var window = await ReadFrameAsync(client.GetStream());

        Assert.Equal((4, 8), (settings.Type, window.Type));
        var values = settings.Payload.Chunk(6).ToDictionary(
            one => BinaryPrimitives.ReadUInt16BigEndian(one),
            one => BinaryPrimitives.ReadUInt32BigEndian(one.AsSpan(2)));
        Assert.Equal((100u, 768u * 1024), (values[3], values[4]));
        // A connection's window is 64 KiB less a byte before the server widens it.
        Assert.Equal(1024u * 1024, 65_535 + BinaryPrimitives.ReadUInt32BigEndian(window.Payload));
    }

    private static async Task<(int Type, byte[] Payload)> ReadFrameAsync(NetworkStream connection)
    {
        var head = new byte[9];
        await connection.ReadExactlyAsync(head);
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
        await connection.ReadExactlyAsync(payload);
        return (head[3], payload);
    }

    private static async Task TrickleAsync(
        IClientStreamWriter<CreateStreamRequest> requests, CreateStreamRequest header, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await requests.WriteAsync(header, stop);
                await Task.Delay(Idle / 10, stop);
            }
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or InvalidOperationException)
        {
            // The node has ended the call.
        }
    }
}
