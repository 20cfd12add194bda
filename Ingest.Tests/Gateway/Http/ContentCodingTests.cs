using System.IO.Compression;
using System.Net;
using System.Text;
using ZstdSharp;

namespace Ingest.Tests.Http;

[Collection(nameof(Alone))]
public sealed class ContentCodingTests : HttpTest
{
    private const string Path = "/v1/tables/clicks/rows";

    private static readonly byte[] Row = Encoding.UTF8.GetBytes("""{"url":"/a"}""");

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("ZSTD")]
    [InlineData("identity")]
    [InlineData("gzip, br")]
    [InlineData("zstd, gzip, identity")]
    public async Task Should_take_each_coding(string coding)
    {
        using var response = await Server.PostAsync(Encode(Row, coding), "application/json", Path, coding);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task Should_take_a_compressed_stream(string coding)
    {
        var body = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"url\":\"/a\"}\n", 5_000)));

        using var response = await Server.PostAsync(Encode(body, coding), "application/x-ndjson", Path, coding);

        var lines = await TestHttpServer.ReadLinesAsync(response);
        Assert.Equal(5_001, lines.Length);
        Assert.Equal(5_000, lines[^1].GetProperty("committed").GetInt32());
    }

    [Theory]
    [InlineData("gzip", "application/json")]
    [InlineData("br", "application/json")]
    [InlineData("zstd", "application/json")]
    [InlineData("gzip", "application/x-ndjson")]
    [InlineData("br", "application/x-ndjson")]
    [InlineData("zstd", "application/x-ndjson")]
    [InlineData("zstd", "text/csv")]
    public async Task Should_answer_400_when_the_body_does_not_decode(string coding, string mediaType)
    {
        var garbage = Encoding.UTF8.GetBytes("This was never compressed by anybody, whatever its header says.");

        using var response = await Server.PostAsync(garbage, mediaType, Path, coding);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await TestHttpServer.ReadAsync(response);
        Assert.Equal("/problems/body-corrupt", problem.GetProperty("type").GetString());
        Assert.Equal(0, Gateway.SubmittedRows);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task Should_refuse_a_row_whose_compressed_body_is_cut_off(string coding)
    {
        var body = Encode(Encoding.UTF8.GetBytes($$"""{"url":"{{Noise(6_000)}}"}"""), coding);

        using var response = await Server.PostAsync(body[..^20], "application/json", Path, coding);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(0, Gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_tell_in_the_summary_when_a_stream_turns_corrupt()
    {
        var body = Encode(
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"{{\"url\":\"{Noise(1_000)}\"}}\n", 500))), "gzip");
        body.AsSpan(body.Length / 2, 200).Fill(0xFF);

        using var response = await Server.PostAsync(body, "application/x-ndjson", Path, "gzip");

        var lines = await TestHttpServer.ReadLinesAsync(response);
        Assert.Equal("/problems/body-corrupt", lines[^1].GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(Gateway.SubmittedRows, lines[^1].GetProperty("committed").GetInt64());
    }

    [Theory]
    [InlineData("gzip", "application/json")]
    [InlineData("br", "application/json")]
    [InlineData("zstd", "application/json")]
    [InlineData("gzip, gzip", "application/json")]
    public async Task Should_refuse_a_bomb_without_unfolding_it(string coding, string mediaType)
    {
        var bomb = Encode(Encoding.UTF8.GetBytes($$"""{"url":"{{new string('x', 50_000_000)}}"}"""), coding);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        using var response = await Server.PostAsync(bomb, mediaType, Path, coding);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 20_000_000);
    }

    [Fact]
    public async Task Should_skip_a_bomb_within_a_stream()
    {
        var body = $"{{\"url\":\"a\"}}\n{{\"url\":\"{new string('x', 20_000_000)}\"}}\n{{\"url\":\"c\"}}\n";

        using var response = await Server.PostAsync(
            Encode(Encoding.UTF8.GetBytes(body), "zstd"), "application/x-ndjson", Path, "zstd");

        var lines = await TestHttpServer.ReadLinesAsync(response);
        Assert.Equal([201, 413, 201], lines[..^1].Select(line => line.GetProperty("status").GetInt32()));
    }

    private static string Noise(int length)
    {
        var random = new Random(length);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('a', 'z' + 1)));
    }

    private static byte[] Encode(byte[] body, string codings)
    {
        foreach (var coding in codings.Split(", ")) body = EncodeOnce(body, coding);
        return body;
    }

    private static byte[] EncodeOnce(byte[] body, string coding)
    {
        using var encoded = new MemoryStream();
        using (Stream encoder = coding.ToUpperInvariant() switch
        {
            "GZIP" or "X-GZIP" => new GZipStream(encoded, CompressionLevel.Fastest, leaveOpen: true),
            "BR" => new BrotliStream(encoded, CompressionLevel.Fastest, leaveOpen: true),
            "ZSTD" => new CompressionStream(encoded, leaveOpen: true),
            _ => new BufferedStream(new MemoryStream()),
        })
            encoder.Write(body);
        return coding == "identity" ? body : encoded.ToArray();
    }
}
