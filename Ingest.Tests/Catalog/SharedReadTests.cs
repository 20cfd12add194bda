using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class SharedReadTests : IDisposable
{
    private readonly List<TaskCompletionSource> runs = [];
    private readonly SemaphoreSlim begun = new(0);

    public void Dispose() => begun.Dispose();

    private Task ReadAsync()
    {
        var run = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        runs.Add(run);
        begun.Release();
        return run.Task;
    }

    [Fact]
    public async Task Should_not_give_a_caller_a_run_that_began_before_he_asked()
    {
        var read = new SharedRead(ReadAsync);
        var early = read.RunAsync();
        await begun.WaitAsync();

        var (late, later) = (read.RunAsync(), read.RunAsync());
        runs[0].SetResult();
        await early;
        await begun.WaitAsync();

        Assert.False(late.IsCompleted);
        Assert.Same(late, later);
        runs[1].SetResult();
        await late;
        Assert.Equal(2, runs.Count);
    }

    [Fact]
    public async Task Should_run_again_after_a_run_that_failed()
    {
        var read = new SharedRead(ReadAsync);
        var failing = read.RunAsync();
        await begun.WaitAsync();
        var next = read.RunAsync();

        runs[0].SetException(new TimeoutException());

        await Assert.ThrowsAsync<TimeoutException>(() => failing);
        await begun.WaitAsync();
        runs[1].SetResult();
        await next;
        var last = read.RunAsync();
        await begun.WaitAsync();
        runs[2].SetResult();
        await last;
    }
}
