using Ingest.Bench.Load;

namespace Ingest.Tests.Bench;

public sealed class PacerTests
{
    private readonly ManualTime time = new();

    [Fact]
    public void Should_hand_out_each_row_once()
    {
        using var pacer = new Pacer(3, null, time);
        var rows = new List<long>();
        while (pacer.TryTake(out var row)) rows.Add(row);
        Assert.Equal([0, 1, 2], rows);
        Assert.True(pacer.IsExhausted);
        Assert.False(pacer.TryTakeDue(out _));
    }

    [Fact]
    public async Task Should_send_a_row_when_it_is_due_and_not_earlier()
    {
        using var pacer = new Pacer(100, 10, time);
        var second = pacer.WaitAsync(1).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(98));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.True(await second);
    }

    [Fact]
    public void Should_release_rows_in_order_whatever_the_order_of_their_waits()
    {
        using var pacer = new Pacer(100, 10, time);
        var late = pacer.WaitAsync(5).AsTask();
        var early = pacer.WaitAsync(2).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(210));
        Assert.True(early.IsCompleted);
        Assert.False(late.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.True(late.IsCompleted);
    }

    [Fact]
    public void Should_count_the_latency_of_a_late_row_from_its_intended_time()
    {
        // One connection at 100 rows/s; the server stalls for a second on the first row and answers the others at once.
        using var pacer = new Pacer(101, 100, time);
        var latency = new LatencyRecorder(time);
        for (var i = 0; pacer.TryTake(out var row); i++)
        {
            if (!pacer.WaitAsync(row).AsTask().IsCompleted) time.Advance(TimeSpan.FromMilliseconds(10));
            var start = pacer.LatencyStart(row);
            if (i == 0) time.Advance(TimeSpan.FromSeconds(1));
            latency.Record(start, time.GetTimestamp());
        }
        // The rows that the stall held up waited 1,000, 990, 980 ... 0 ms: half of them half a second or longer.
        Assert.Equal(101, latency.Total().Count);
        Assert.InRange(latency.Total().P50, 495_000, 505_000);
        Assert.InRange(latency.Total().Max, 999_000, 1_001_000);
    }

    [Fact]
    public void Should_count_the_latency_of_a_closed_loop_from_the_sending()
    {
        using var pacer = new Pacer(10, null, time);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(time.GetTimestamp(), pacer.LatencyStart(9));
    }

    [Fact]
    public void Should_hand_out_only_due_rows_to_a_stream()
    {
        using var pacer = new Pacer(100, 10, time);
        Assert.True(pacer.TryTakeDue(out _));
        Assert.False(pacer.TryTakeDue(out _));
        Assert.InRange(pacer.UntilNextDue().TotalMilliseconds, 99, 100);
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(pacer.TryTakeDue(out _));
        Assert.True(pacer.TryTakeDue(out var third));
        Assert.Equal(2, third);
        Assert.False(pacer.TryTakeDue(out _));
    }

    [Fact]
    public async Task Should_let_no_waiting_row_go_once_stopped()
    {
        using var pacer = new Pacer(100, 10, time);
        var waiting = pacer.WaitAsync(50).AsTask();
        pacer.Stop();
        Assert.False(await waiting);
        Assert.False(await pacer.WaitAsync(0));
        Assert.False(pacer.TryTake(out _));
        Assert.True(pacer.IsExhausted);
    }
}
