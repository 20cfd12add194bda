using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Ingest.Bench.Load;

/// <summary>
/// One keep-alive connection on a raw socket with one buffer and one parser. The load shares its cores with the node,
/// and <see cref="SocketsHttpHandler"/> would take more of them than the node does. One exchange at a time; sending and
/// receiving may go on at once.
/// </summary>
public sealed class HttpConnection : IDisposable
{
    private readonly Socket socket;
    private readonly byte[] buffer;
    private readonly ResponseParser parser = new();
    private int start;
    private int end;

    private HttpConnection(Socket socket, int bufferBytes)
    {
        this.socket = socket;
        buffer = new byte[bufferBytes];
    }

    /// <summary>The response that was read last.</summary>
    public ResponseParser Response => parser;

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<HttpConnection> ConnectAsync(
        HttpTarget target, int bufferBytes, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, cancellation);
            return new HttpConnection(socket, bufferBytes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// False where the server has closed the connection meanwhile, or said something unasked. Costs a system call, so
    /// it is for connections that have rested.
    /// </summary>
    public bool IsUsable()
    {
        try
        {
            return start == end && !socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Sends all of it.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
    }

    /// <summary>Reads one response; its status is in <see cref="Response"/>, its body goes to the sink as it
    /// comes.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="EndOfStreamException">The connection ended within, or before, the response.</exception>
    /// <exception cref="InvalidDataException">What came is not HTTP/1.x.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadResponseAsync(IBodySink sink)
    {
        parser.Reset();
        while (true)
        {
            start += parser.Consume(buffer.AsSpan(start, end - start), sink);
            if (parser.IsComplete) return;
            start = end = 0;
            end = await socket.ReceiveAsync(buffer.AsMemory());
            if (end > 0) continue;
            parser.End();
            return;
        }
    }

    /// <summary>Closes the connection; whoever sends or receives on it at the moment fails.</summary>
    public void Dispose() => socket.Dispose();
}
