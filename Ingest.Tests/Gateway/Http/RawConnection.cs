using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Ingest.Tests.Http;

/// <summary>
/// A client that speaks HTTP/1.1 byte by byte, for what a well-behaved one does not do: read the answer while it still
/// sends, stop halfway, hang up.
/// </summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly TcpClient client = new() { NoDelay = true };
    private readonly StringBuilder text = new();
    private StreamReader reader = null!;

    public static async Task<RawConnection> OpenAsync(Uri address)
    {
        var connection = new RawConnection();
        await connection.client.ConnectAsync(address.Host, address.Port);
        connection.reader = new StreamReader(connection.client.GetStream(), Encoding.UTF8);
        return connection;
    }

    /// <summary>Begins a chunked POST of rows.</summary>
    public Task BeginAsync(string mediaType = "application/x-ndjson", string headers = "") => SendAsync(
        $"POST /v1/tables/clicks/rows HTTP/1.1\r\nHost: test\r\nContent-Type: {mediaType}\r\n{headers}"
        + "Transfer-Encoding: chunked\r\n\r\n");

    public Task ChunkAsync(string body) => SendAsync(string.Create(
        CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetByteCount(body):x}\r\n{body}\r\n"));

    public Task EndAsync() => SendAsync("0\r\n\r\n");

    public async Task SendAsync(string bytes) =>
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(bytes)).AsTask().WaitAsync(Patience);

    public async Task<string> ReadLineAsync() =>
        await reader.ReadLineAsync().WaitAsync(Patience) ?? throw new EndOfStreamException();

    /// <summary>Reads the status line and the headers.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (await ReadLineAsync() is { Length: > 0 } line) head.Append(line).Append('\n');
        return head.ToString();
    }

    /// <summary>Reads one line of a chunked answer's content.</summary>
    public async Task<string> ReadContentLineAsync()
    {
        while (true)
        {
            var all = text.ToString();
            var end = all.IndexOf('\n', StringComparison.Ordinal);
            if (end >= 0)
            {
                text.Remove(0, end + 1);
                return all[..end];
            }

            await ReadChunkAsync();
        }
    }

    public void Dispose() => client.Dispose();

    private async Task ReadChunkAsync()
    {
        var size = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if (size == 0) throw new EndOfStreamException();
        var chunk = new char[size];
        var read = 0;
        while (read < size) read += await reader.ReadAsync(chunk.AsMemory(read)).AsTask().WaitAsync(Patience);
        text.Append(chunk);
        await ReadLineAsync();
    }
}
