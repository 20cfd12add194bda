using Ingest.Node.Gateway;

namespace Ingest.Tests.Gateway;

public sealed class AdmissionGateTests
{
    private readonly AdmissionGate gate = new(maxRows: 100, maxBytes: 1_000);

    [Fact]
    public void Should_refuse_at_the_limit_of_rows_and_take_again_what_has_left()
    {
        Assert.Equal(Admission.Admitted, gate.TryEnter(100, 1));
        Assert.Equal(Admission.Full, gate.TryEnter(1, 1));

        gate.Leave(1, 0);

        Assert.Equal(Admission.Admitted, gate.TryEnter(1, 1));
        Assert.Equal((100, 2), (gate.Rows, gate.Bytes));
    }

    [Fact]
    public void Should_refuse_at_the_limit_of_bytes()
    {
        Assert.Equal(Admission.Admitted, gate.TryEnter(1, 1_000));

        Assert.Equal(Admission.Full, gate.TryEnter(1, 1));
    }

    [Fact]
    public async Task Should_let_in_what_is_over_the_limits_when_nothing_else_is_there()
    {
        Assert.Equal(Admission.Admitted, gate.TryEnter(1_000, 10_000));
        gate.Leave(1_000, 10_000);

        Assert.Equal(Admission.Admitted, await gate.EnterAsync(1_000, 10_000, CancellationToken.None));
    }

    [Fact]
    public async Task Should_leave_a_quarter_to_those_who_do_not_wait()
    {
        Assert.Equal(Admission.Admitted, await gate.EnterAsync(75, 1, CancellationToken.None));

        var stream = gate.EnterAsync(1, 1, CancellationToken.None);

        Assert.False(stream.IsCompleted);
        Assert.Equal(Admission.Admitted, gate.TryEnter(25, 1));
        gate.Leave(25, 1);
        Assert.False(stream.IsCompleted);
        gate.Leave(75, 1);
        Assert.Equal(Admission.Admitted, await stream);
        Assert.Equal(1, gate.Rows);
    }

    [Fact]
    public async Task Should_let_waiters_in_in_their_order()
    {
        gate.TryEnter(75, 1);
        var large = gate.EnterAsync(50, 1, CancellationToken.None);
        var small = gate.EnterAsync(1, 1, CancellationToken.None);

        gate.Leave(1, 0);
        Assert.False(small.IsCompleted);
        gate.Leave(49, 0);

        Assert.Equal(Admission.Admitted, await large);
        Assert.False(small.IsCompleted);
        gate.Leave(50, 1);
        Assert.Equal(Admission.Admitted, await small);
        Assert.Equal(26, gate.Rows);
    }

    [Fact]
    public async Task Should_pass_over_a_waiter_that_has_gone()
    {
        using var gone = new CancellationTokenSource();
        gate.TryEnter(75, 1);
        var first = gate.EnterAsync(1, 1, gone.Token);
        var second = gate.EnterAsync(1, 1, CancellationToken.None);

        await gone.CancelAsync();
        gate.Leave(75, 1);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await first);
        Assert.Equal(Admission.Admitted, await second);
        Assert.Equal(1, gate.Rows);
    }

    [Fact]
    public async Task Should_let_nobody_in_once_it_is_closed()
    {
        gate.TryEnter(75, 1);
        var waiting = gate.EnterAsync(1, 1, CancellationToken.None);

        gate.Close();

        Assert.Equal(Admission.Closing, await waiting);
        Assert.Equal(Admission.Closing, gate.TryEnter(1, 1));
        Assert.Equal(Admission.Closing, await gate.EnterAsync(1, 1, CancellationToken.None));
        gate.Leave(75, 1);
        Assert.Equal((0, 0, true), (gate.Rows, gate.Bytes, gate.IsClosed));
    }
}
