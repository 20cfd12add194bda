using System.Text;
using Ingest.Bench.Load;

namespace Ingest.Tests.Bench;

public sealed class StreamPartsTests
{
    [Theory]
    [InlineData("{\"line\":7,\"status\":201,\"id\":\"x\"}", 7, 201, 0)]
    [InlineData("{ \"error\": {\"line\":1,\"detail\":[\"status\"]}, \"status\": 409, \"line\": 2 }", 2, 409, 0)]
    [InlineData("{\"committed\":5,\"accepted\":0,\"rejected\":2}", 0, 0, 5)]
    public void Should_read_verdicts_and_the_summary(string text, long line, int status, long committed) =>
        Assert.Equal(new VerdictLine(line, status, committed), VerdictLine.Parse(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"line\":1}")]
    [InlineData("{\"line\":\"1\",\"status\":201}")]
    [InlineData("{\"line\":1,\"sta")]
    public void Should_refuse_a_line_that_is_neither(string text) =>
        Assert.Throws<InvalidDataException>(() => VerdictLine.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Should_cut_lines_from_pieces_of_any_size()
    {
        const string text = "one\r\n\ntwo\nthree";
        for (var size = 1; size <= text.Length; size++)
        {
            var lines = new List<string>();
            var splitter = new LineSplitter(line => lines.Add(Encoding.UTF8.GetString(line)));
            foreach (var piece in Encoding.UTF8.GetBytes(text).Chunk(size)) splitter.Push(piece);
            splitter.End();
            Assert.Equal(["one", "two", "three"], lines);
        }
    }

    [Fact]
    public void Should_take_rows_in_the_order_of_their_lines_only()
    {
        var window = new StreamWindow(2);
        window.Add(new StreamRow(10, 0, 5));
        window.Add(new StreamRow(11, 0, 6));
        Assert.Equal((0, 5), (window.Free, window.OldestSent));
        Assert.Throws<InvalidOperationException>(() => window.Add(default));
        Assert.Throws<InvalidDataException>(() => window.Take(2));
        Assert.Equal(10, window.Take(1).Row);
        Assert.Equal(11, window.Take(2).Row);
        Assert.Throws<InvalidDataException>(() => window.Take(3));
        Assert.Equal(0, window.OldestSent);
    }

    [Fact]
    public void Should_write_a_chunk_with_its_size_in_front()
    {
        var chunk = new ChunkBuffer(4_096);
        chunk.Add("{}\n"u8);
        chunk.Add("[]\n"u8);
        Assert.Equal("000006\r\n{}\n[]\n\r\n", Encoding.ASCII.GetString(chunk.Finish().Span));
    }

    [Fact]
    public void Should_never_pause_for_less_than_retry_after_nor_for_long()
    {
        var backoff = new Backoff(new ManualTime(), TimeSpan.FromMinutes(1));
        Assert.InRange(backoff.Next(2).TotalSeconds, 2, 3);
        Assert.InRange(backoff.Next(int.MaxValue).TotalSeconds, 5, 7.5);
        for (var i = 0; i < 20; i++) Assert.InRange(backoff.Next(null).TotalSeconds, 0.05, 3);
    }
}
