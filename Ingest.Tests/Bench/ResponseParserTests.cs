using System.Text;
using Ingest.Bench.Load;

namespace Ingest.Tests.Bench;

public sealed class ResponseParserTests
{
    private const string WithLength =
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\ncontent-length: 8\r\n\r\n{\"id\":1}";

    private const string Chunked =
        "HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\nRetry-After: 7\r\n\r\n"
        + "5;note=x\r\n{\"err\r\n0A\r\nor\":\"\r\n\"}\n\r\n0\r\nTrailer: yes\r\n\r\n";

    private const string Interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nDate: now\r\n\r\n";

    [Theory]
    [InlineData(WithLength, 201, "{\"id\":1}")]
    [InlineData(Chunked, 429, "{\"error\":\"\r\n\"}\n")]
    [InlineData(Interim, 204, "")]
    public void Should_read_a_response_that_is_split_anywhere(string text, int status, string body)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                var parser = new ResponseParser();
                var sink = new Collected();
                Feed(parser, sink, bytes[..first], bytes[first..second], bytes[second..]);
                Assert.True(parser.IsComplete);
                Assert.Equal((status, status, body), (parser.Status, sink.Status, sink.Text));
            }
        }
    }

    [Fact]
    public void Should_leave_the_next_response_alone()
    {
        var bytes = Encoding.Latin1.GetBytes(Chunked + WithLength + Interim);
        var parser = new ResponseParser();
        var sink = new Collected();
        var offset = 0;
        var seen = new List<(int, int?)>();
        while (offset < bytes.Length)
        {
            offset += parser.Consume(bytes.AsSpan(offset), sink);
            Assert.True(parser.IsComplete);
            seen.Add((parser.Status, parser.RetryAfterSeconds));
            parser.Reset();
        }
        Assert.Equal([(429, 7), (201, null), (204, null)], seen);
    }

    [Fact]
    public void Should_read_until_the_connection_ends_where_nothing_says_how_long_the_body_is()
    {
        var parser = new ResponseParser();
        var sink = new Collected();
        Feed(parser, sink, "HTTP/1.0 500 Oops\r\n\r\nhalf a "u8.ToArray(), "body"u8.ToArray());
        Assert.False(parser.IsComplete);
        parser.End();
        Assert.True(parser.IsComplete);
        Assert.False(parser.KeepsAlive);
        Assert.Equal("half a body", sink.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 201 Cr")]
    [InlineData("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nab")]
    [InlineData("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")]
    public void Should_not_take_a_response_that_was_cut_off_for_a_whole_one(string text)
    {
        var parser = new ResponseParser();
        Feed(parser, new Collected(), Encoding.Latin1.GetBytes(text));
        Assert.Throws<EndOfStreamException>(parser.End);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.6 hello\r\n")]
    [InlineData("HTTP/1.1 201 Created\r\nContent-Length: 1x\r\n\r\n")]
    [InlineData("HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n")]
    public void Should_refuse_what_is_not_a_response(string text)
    {
        Assert.Throws<InvalidDataException>(
            () => Feed(new ResponseParser(), new Collected(), Encoding.Latin1.GetBytes(text)));
    }

    [Fact]
    public void Should_close_the_connection_when_the_server_says_so()
    {
        var parser = new ResponseParser();
        Feed(parser, new Collected(), "HTTP/1.1 201 x\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        Assert.True(parser.IsComplete);
        Assert.False(parser.KeepsAlive);
    }

    private static void Feed(ResponseParser parser, IBodySink sink, params byte[][] pieces)
    {
        foreach (var piece in pieces) Assert.Equal(piece.Length, parser.Consume(piece, sink));
    }

    private sealed class Collected : IBodySink
    {
        private readonly StringBuilder text = new();

        public int Status { get; private set; }

        public string Text => text.ToString();

        public void Begin(int status) => Status = status;

        public void Body(ReadOnlySpan<byte> piece) => text.Append(Encoding.Latin1.GetString(piece));
    }
}
