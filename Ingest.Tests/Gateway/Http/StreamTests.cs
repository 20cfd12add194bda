using System.Globalization;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Gateway;

namespace Ingest.Tests.Http;

public sealed class StreamTests : HttpTest
{
    [Fact]
    public async Task Should_answer_each_line_in_order_and_close_with_the_summary()
    {
        Gateway.Script = row => row == 1 ? Verdict.Rejected(new Rejection("23505", "Twice.")) : Verdict.Committed;

        var lines = await Server.PostLinesAsync("{\"url\":\"a\"}\r\n\r\n{\"url\":\"b\"}\n{broken\n{\"url\":\"c\"}");

        Assert.Equal([(1, 201), (3, 409), (4, 400), (5, 201)], lines[..^1].Select(LineAndStatus));
        Assert.True(lines[0].TryGetProperty("id", out _));
        Assert.Equal("23505", lines[1].GetProperty("error").GetProperty("sqlstate").GetString());
        Assert.Equal("""{"committed":2,"accepted":0,"rejected":2}""", lines[^1].GetRawText());
    }

    [Fact]
    public async Task Should_count_rows_that_were_not_written_or_are_unknown_by_themselves()
    {
        Gateway.Script = row => row == 0 ? Verdict.NotWritten : Verdict.Unknown;

        var lines = await Server.PostLinesAsync("{\"url\":\"a\"}\n{\"url\":\"b\"}\n");

        Assert.Equal([(1, 503), (2, 504)], lines[..^1].Select(LineAndStatus));
        Assert.Equal(
            """{"committed":0,"accepted":0,"rejected":0,"notWritten":1,"unknown":1}""", lines[^1].GetRawText());
    }

    [Theory]
    [InlineData("?verdicts=all", new[] { 1, 2, 3 })]
    [InlineData("?verdicts=errors", new[] { 2 })]
    [InlineData("?verdicts=none", new int[0])]
    public async Task Should_write_only_the_verdicts_asked_for(string query, int[] expected)
    {
        var lines = await Server.PostLinesAsync("{\"url\":\"a\"}\n{}\n{\"url\":\"c\"}\n", query: query);

        Assert.Equal(expected, lines[..^1].Select(line => line.GetProperty("line").GetInt32()));
        Assert.Equal("""{"committed":2,"accepted":0,"rejected":1}""", lines[^1].GetRawText());
    }

    [Fact]
    public async Task Should_answer_an_empty_stream_with_the_summary_alone()
    {
        var lines = await Server.PostLinesAsync("");

        Assert.Equal("""{"committed":0,"accepted":0,"rejected":0}""", Assert.Single(lines).GetRawText());
    }

    [Fact]
    public async Task Should_answer_the_first_line_before_the_second_is_sent()
    {
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync();
        Assert.StartsWith("HTTP/1.1 200", await connection.ReadHeadAsync(), StringComparison.Ordinal);

        for (var number = 1; number <= 3; number++)
        {
            await connection.ChunkAsync("{\"url\":\"a\"}\n");
            Assert.Equal((number, 201), LineAndStatus(TestHttpServer.Parse(await connection.ReadContentLineAsync())));
        }

        await connection.EndAsync();
        Assert.Equal("""{"committed":3,"accepted":0,"rejected":0}""", await connection.ReadContentLineAsync());
    }

    [Fact]
    public async Task Should_ask_for_the_body_of_a_client_that_waits_for_100_continue()
    {
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync(headers: "Expect: 100-continue\r\n");

        Assert.StartsWith("HTTP/1.1 100", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.EndAsync();
        Assert.Contains("committed", await connection.ReadContentLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_keep_the_order_of_lines_when_later_ones_are_settled_first()
    {
        Gateway.Holds = true;
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync();
        await connection.ChunkAsync("{\"url\":\"a\"}\n");
        var first = await Gateway.TakeHeldAsync();
        await connection.ChunkAsync("{\"url\":\"b\"}\n{\n");
        var second = await Gateway.TakeHeldAsync();
        await connection.EndAsync();

        second.Release();
        first.Release();

        await connection.ReadHeadAsync();
        foreach (var expected in new[] { (1, 201), (2, 201), (3, 400) })
            Assert.Equal(expected, LineAndStatus(TestHttpServer.Parse(await connection.ReadContentLineAsync())));
    }

    [Fact]
    public async Task Should_skip_a_line_over_the_limit_and_go_on()
    {
        var tooLong = $$"""{"url":"{{new string('x', 300_000)}}"}""";

        var lines = await Server.PostLinesAsync("{\"url\":\"a\"}\n" + tooLong + "\n{\"url\":\"c\"}\n");

        Assert.Equal([(1, 201), (2, 413), (3, 201)], lines[..^1].Select(LineAndStatus));
    }

    [Fact]
    public async Task Should_settle_what_was_read_when_the_client_hangs_up_halfway()
    {
        Gateway.Holds = true;
        using (var connection = await RawConnection.OpenAsync(Server.Address))
        {
            await connection.BeginAsync();
            await connection.ChunkAsync("{\"url\":\"a\"}\n{\"url\":\"b\"}\n{\"url\":\"never comple");
        }

        var held = await Gateway.TakeHeldAsync();
        Assert.Equal(2, held.Rows);
        held.Release();

        await Eventually.TrueAsync(() => Gateway.Outstanding == 0);
        Assert.Equal(2, Gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_answer_what_was_read_and_stop_when_the_node_closes()
    {
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync();
        await connection.ChunkAsync("{\"url\":\"a\"}\n");
        await connection.ReadHeadAsync();
        await connection.ReadContentLineAsync();

        Server.Lifetime.StopApplication();

        var summary = TestHttpServer.Parse(await connection.ReadContentLineAsync());
        Assert.Equal(1, summary.GetProperty("committed").GetInt32());
        Assert.Equal("/problems/node-closing", summary.GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Should_answer_rows_that_the_closing_node_no_longer_takes()
    {
        Gateway.Admission = Admission.Closing;

        var lines = await Server.PostLinesAsync("{\"url\":\"a\"}\n{}\n");

        Assert.Equal([(1, 503), (2, 400)], lines[..^1].Select(LineAndStatus));
        Assert.Equal(1, lines[^1].GetProperty("notWritten").GetInt32());
        Assert.Equal(0, Gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_take_csv_with_quoted_newlines_and_a_byte_order_mark()
    {
        var csv = "\uFEFFurl,user_id\r\n\"a\nb\",1\r\n/c,x\r\n/d,\r\n";

        var lines = await Server.PostLinesAsync(csv, "text/csv");

        Assert.Equal([(2, 201), (4, 400), (5, 201)], lines[..^1].Select(LineAndStatus));
        Assert.True(lines[1].GetProperty("error").GetProperty("errors").TryGetProperty("user_id", out _));
    }

    [Fact]
    public async Task Should_answer_a_quote_that_is_never_closed()
    {
        var lines = await Server.PostLinesAsync("url\n/a\n\"/b\n/c\n", "text/csv");

        Assert.Equal([(2, 201), (3, 400)], lines[..^1].Select(LineAndStatus));
    }

    [Fact]
    public async Task Should_take_many_chunks_in_order()
    {
        var body = string.Concat(Enumerable.Range(0, 20_000).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{{\"url\":\"/{i}\",\"user_id\":{i}}}\n")));

        var lines = await Server.PostLinesAsync(body, "application/jsonl");

        Assert.Equal(Enumerable.Range(1, 20_000), lines[..^1].Select(line => line.GetProperty("line").GetInt32()));
        Assert.Equal(20_000, Gateway.SubmittedRows);
    }

    private static (int Line, int Status) LineAndStatus(JsonElement verdict) =>
        (verdict.GetProperty("line").GetInt32(), verdict.GetProperty("status").GetInt32());
}
