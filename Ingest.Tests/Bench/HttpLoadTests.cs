using System.Net;
using System.Net.Sockets;
using Ingest.Bench.Load;
using Microsoft.AspNetCore.Http;

namespace Ingest.Tests.Bench;

public sealed class HttpLoadTests
{
    private static readonly LoadOptions Small =
        new() { Rows = 20, Connections = 3, RetryFor = TimeSpan.FromSeconds(20) };

    [Fact]
    public async Task Should_commit_each_row_once()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, _) => Answer(context, 201));
        using var run = await server.LoadAsync(Small);
        Assert.Equal((20, 20, 0), (run.Tally.Sent, run.Tally.Committed, run.Tally.Retried));
        Assert.Equal(20, run.Latency.Total().Count);
        Assert.Equal(20, server.Bodies.Distinct().Count());
        Assert.Null(run.Failure);
        Assert.Null(run.FirstProblem);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task Should_send_a_refused_row_again_until_it_is_committed(int status)
    {
        await using var server = await ScriptedServer.AnswerAsync(
            (context, n) => Answer(context, n % 3 == 0 ? status : 201));
        using var run = await server.LoadAsync(Small);
        Assert.Equal((20, 20, 0), (run.Tally.Sent, run.Tally.Committed, run.Tally.NotWritten));
        Assert.Equal(server.Bodies.Count, run.Tally.Sent + run.Tally.Retried);
        Assert.Equal(20, server.Bodies.Distinct().Count());
        Assert.True(run.Tally.Retried > 0);
    }

    [Fact]
    public async Task Should_wait_for_as_long_as_retry_after_says()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, n) =>
        {
            if (n == 1) context.Response.Headers.RetryAfter = "1";
            return Answer(context, n == 1 ? 429 : 201);
        });
        using var run = await server.LoadAsync(Small with { Rows = 1, Connections = 1 });
        Assert.Equal((1, 1), (run.Tally.Committed, run.Tally.Retried));
        Assert.InRange(run.Latency.Total().Max, 1_000_000, 20_000_000);
    }

    [Fact]
    public async Task Should_give_a_row_up_that_is_refused_for_too_long()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, _) => Answer(context, 503));
        using var run = await server.LoadAsync(Small with { Rows = 3, RetryFor = TimeSpan.FromMilliseconds(200) });
        Assert.Equal((3, 0, 3), (run.Tally.Sent, run.Tally.Committed, run.Tally.NotWritten));
    }

    [Theory]
    [InlineData(409, RowOutcome.Rejected)]
    [InlineData(422, RowOutcome.Rejected)]
    [InlineData(504, RowOutcome.Unknown)]
    [InlineData(500, RowOutcome.Unknown)]
    [InlineData(202, RowOutcome.Accepted)]
    public async Task Should_not_send_a_row_again_that_has_an_outcome(int status, RowOutcome outcome)
    {
        await using var server = await ScriptedServer.AnswerAsync(
            (context, n) => Answer(context, n == 5 ? status : 201));
        using var run = await server.LoadAsync(Small);
        Assert.Equal(outcome, Tally.OutcomeOf(status));
        Assert.Equal(20, server.Bodies.Count);
        Assert.Equal((19, 1), (run.Tally.Committed, run.Tally.Rejected + run.Tally.Unknown + run.Tally.Accepted));
        Assert.Equal(status == 202, run.FirstProblem is null);
    }

    [Fact]
    public async Task Should_count_a_row_without_answer_and_go_on_with_the_next()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, n) =>
        {
            if (n != 4) return Answer(context, 201);
            context.Abort();
            return Task.CompletedTask;
        });
        using var run = await server.LoadAsync(Small);
        Assert.Equal((20, 19, 1), (run.Tally.Sent, run.Tally.Committed, run.Tally.NoAnswer));
        Assert.Equal(20, server.Bodies.Count);
    }

    [Fact]
    public async Task Should_give_up_an_answer_that_is_overdue()
    {
        var never = new TaskCompletionSource();
        await using var server = await ScriptedServer.AnswerAsync(async (context, n) =>
        {
            if (n == 2) await never.Task.WaitAsync(context.RequestAborted);
            await Answer(context, 201);
        });
        using var run = await server.LoadAsync(Small with { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Equal((19, 1), (run.Tally.Committed, run.Tally.NoAnswer));
    }

    [Fact]
    public async Task Should_open_a_new_connection_where_the_server_closes_each()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, _) =>
        {
            context.Response.Headers.Connection = "close";
            return Answer(context, 201);
        });
        using var run = await server.LoadAsync(Small);
        Assert.Equal(20, run.Tally.Committed);
    }

    [Fact]
    public async Task Should_end_the_load_where_no_row_can_be_written()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, _) => Answer(context, 404));
        using var run = await server.LoadAsync(Small with { Rows = 1_000_000 });
        Assert.Contains("404", run.Failure, StringComparison.Ordinal);
        Assert.InRange(run.Tally.Sent, 1, 1_000);
        Assert.Equal(run.Tally.Sent, run.Tally.Done);
    }

    [Fact]
    public async Task Should_settle_what_was_sent_when_it_is_stopped()
    {
        var arrived = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var server = await ScriptedServer.AnswerAsync(async (context, n) =>
        {
            if (n == 5) arrived.TrySetResult();
            if (n >= 5) await go.Task;
            await Answer(context, 201);
        });
        using var run = new LoadRun(Small with { Rows = 1_000, Url = server.Url, Rate = 200 }, TimeProvider.System);
        var running = run.RunAsync();
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(20));
        run.Stop();
        go.SetResult();
        await running.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.InRange(run.Tally.Sent, 5, 8);
        Assert.Equal(run.Tally.Sent, run.Tally.Committed);
    }

    [Fact]
    public async Task Should_say_that_nobody_listens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        listener.Stop();
        using var run = new LoadRun(
            Small with { Url = url, RetryFor = TimeSpan.FromMilliseconds(100) }, TimeProvider.System);
        await run.RunAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("Cannot connect", run.Failure, StringComparison.Ordinal);
        Assert.Equal(0, run.Tally.Sent);
    }

    private static Task Answer(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { id = 1 });
    }
}
