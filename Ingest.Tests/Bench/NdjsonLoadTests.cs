using Ingest.Bench.Load;
using Microsoft.AspNetCore.Http;

namespace Ingest.Tests.Bench;

public sealed class NdjsonLoadTests
{
    private static readonly LoadOptions Small = new()
    {
        Via = LoadVia.Ndjson, Rows = 100, Connections = 2, Window = 8, RetryFor = TimeSpan.FromSeconds(20),
    };

    [Fact]
    public async Task Should_commit_each_row_once()
    {
        await using var server = await ScriptedServer.StreamAsync((_, _, _) => 201);
        using var run = await server.LoadAsync(Small);
        Assert.Null(run.Failure);
        Assert.Equal((100, 100, 0), (run.Tally.Sent, run.Tally.Committed, run.Tally.NoAnswer));
        Assert.Equal(100, server.Bodies.Distinct().Count());
        Assert.Equal(100, run.Latency.Total().Count);
    }

    [Fact]
    public async Task Should_keep_to_the_rate()
    {
        await using var server = await ScriptedServer.StreamAsync((_, _, _) => 201);
        var start = TimeProvider.System.GetTimestamp();
        using var run = await server.LoadAsync(Small with { Rate = 200 });
        Assert.Equal(100, run.Tally.Committed);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 0.49, 20);
    }

    [Fact]
    public async Task Should_give_each_row_its_own_outcome()
    {
        await using var server = await ScriptedServer.StreamAsync(
            (_, _, line) => line == 3 ? 409 : line == 4 ? 504 : 201);
        using var run = await server.LoadAsync(Small with { Connections = 1 });
        Assert.Equal((98, 1, 1), (run.Tally.Committed, run.Tally.Rejected, run.Tally.Unknown));
        Assert.Contains("409", run.FirstProblem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_send_a_refused_row_again_on_the_same_stream()
    {
        await using var server = await ScriptedServer.StreamAsync((_, _, line) => line is 2 or 5 ? 503 : 201);
        using var run = await server.LoadAsync(Small with { Connections = 1 });
        Assert.Equal((100, 100, 2), (run.Tally.Sent, run.Tally.Committed, run.Tally.Retried));
        Assert.Equal(102, server.Bodies.Count);
        Assert.Equal(100, server.Bodies.Distinct().Count());
    }

    [Fact]
    public async Task Should_count_the_rows_in_flight_of_a_broken_stream_and_open_another()
    {
        var isBroken = 0;
        await using var server = await ScriptedServer.StreamAsync((context, _, line) =>
        {
            if (line != 10 || Interlocked.Exchange(ref isBroken, 1) == 1) return 201;
            context.Abort();
            return 0;
        });
        using var run = await server.LoadAsync(Small with { Connections = 1 });
        Assert.Null(run.Failure);
        Assert.InRange(run.Tally.NoAnswer, 1, Small.Window);
        Assert.Equal(100, run.Tally.Committed + run.Tally.NoAnswer);
    }

    [Fact]
    public async Task Should_send_the_rows_of_a_refused_stream_on_another()
    {
        await using var server = await RefusingAsync(503, times: 1);
        using var run = await server.LoadAsync(Small with { Connections = 1, Rows = 5 });
        Assert.Null(run.Failure);
        Assert.Equal((5, 5), (run.Tally.Sent, run.Tally.Committed));
        Assert.InRange(run.Tally.Retried, 1, 5);
    }

    [Fact]
    public async Task Should_end_the_load_where_no_row_can_be_written()
    {
        await using var server = await RefusingAsync(404, times: int.MaxValue);
        using var run = await server.LoadAsync(Small);
        Assert.Contains("404", run.Failure, StringComparison.Ordinal);
        Assert.Equal(run.Tally.Sent, run.Tally.Done);
    }

    [Fact]
    public async Task Should_notice_a_verdict_for_a_line_that_was_not_due()
    {
        await using var server = await ScriptedServer.StreamAsync((context, _, line) =>
        {
            if (line == 3) context.Response.WriteAsync("{\"line\":9,\"status\":201}\n").GetAwaiter().GetResult();
            return 201;
        });
        using var run = await server.LoadAsync(Small with { Connections = 1 });
        Assert.Contains("line 9", run.Failure, StringComparison.Ordinal);
        Assert.Equal(run.Tally.Sent, run.Tally.Done);
    }

    /// <summary>Refuses whole streams without reading them, and then answers each line.</summary>
    private static async Task<ScriptedServer> RefusingAsync(int status, int times)
    {
        var left = times;
        return await ScriptedServer.StreamAsync(
            (_, _, _) => 201,
            context =>
            {
                if (Interlocked.Decrement(ref left) < 0) return false;
                context.Response.StatusCode = status;
                return true;
            });
    }
}
