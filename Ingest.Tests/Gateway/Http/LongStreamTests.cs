using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Ingest.Tests.Http;

[Collection(nameof(Alone))]
public sealed class LongStreamTests
{
    private const int TotalBytes = 200_000_000;

    /// <summary>The stream's share of the heap: its chunks, which the gateway pools, and both ends' buffers.</summary>
    private const long MaxHeapBytes = 30_000_000;

    [Fact]
    public async Task Should_take_a_stream_of_200_MB_in_constant_memory()
    {
        var gateway = new ScriptedGateway();
        await using var server = await TestHttpServer.StartAsync(gateway);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        long highest = 0;
        using var content = new GeneratedContent(
            TotalBytes,
            onTenth: () => highest = Math.Max(highest, GC.GetTotalMemory(forceFullCollection: true) - before));

        using var response = await server.Client.PostAsync(
            new Uri("/v1/tables/clicks/rows?verdicts=none", UriKind.Relative), content);

        var summary = Assert.Single(await TestHttpServer.ReadLinesAsync(response));
        Assert.Equal(content.Rows, summary.GetProperty("committed").GetInt64());
        Assert.Equal(content.Rows, gateway.SubmittedRows);
        Assert.InRange(highest, 0, MaxHeapBytes);
        Assert.Equal(0, gateway.Outstanding);
    }

    /// <summary>NDJSON rows that are made while they are sent.</summary>
    private sealed class GeneratedContent : HttpContent
    {
        private const int RowsInBlock = 64;

        private readonly byte[] block;
        private readonly int blocks;
        private readonly Action onTenth;

        public GeneratedContent(int totalBytes, Action onTenth)
        {
            var row = $"{{\"url\":\"/{new string('x', 4_000)}\",\"user_id\":1}}\n";
            block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(row, RowsInBlock)));
            blocks = totalBytes / block.Length;
            this.onTenth = onTenth;
            Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        }

        public long Rows => (long)blocks * RowsInBlock;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var written = 0; written < blocks; written++)
            {
                await stream.WriteAsync(block);
                if (written % (blocks / 10) == 0) onTenth();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
