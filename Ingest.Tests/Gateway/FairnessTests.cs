using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Observability;
using Ingest.Tests.Http;
using static Ingest.Tests.Gateway.Submissions;

namespace Ingest.Tests.Gateway;

/// <summary>What streams may have under way, so that a row of somebody else is not behind all of it.</summary>
public sealed class FairnessTests
{
    private const int Piece = 500;
    private const int FlushEvery = 10_000;
    private const int Lanes = 2;

    private readonly List<Submission> admitted = [];
    private readonly RowGateway gateway = new(
        Options with { InFlightRows = 1_000_000, InFlightBytes = 1 << 30 },
        _ => new LaneSettings(Lanes, FlushEvery),
        new NodeMetrics(TimeProvider.System));

    [Fact]
    public async Task Should_let_streams_have_a_batch_and_a_half_in_each_lane()
    {
        // A million rows wait, in a hundred streams.
        var waiting = Enumerable.Range(0, 2_000).Select(_ => AdmitAsync(caller: null)).ToList();

        Assert.Equal(Lanes * FlushEvery * 3 / 2, gateway.InFlightRows);
        Assert.Equal(Admission.Admitted, gateway.TryAdmit(Piecewise(caller: null, rows: 1)));
        var before = admitted.Count;
        gateway.Complete([.. admitted.Take(4)]);
        await Eventually.TrueAsync(() => admitted.Count == before + 4);
        Assert.Equal((Lanes * FlushEvery * 3 / 2) + 1, gateway.InFlightRows);
        Assert.NotEmpty(waiting);
    }

    [Fact]
    public async Task Should_give_a_caller_who_comes_later_his_turn_before_the_many_that_another_waits_with()
    {
        var (first, second) = (new Caller("first", Grants.None, null), new Caller("second", Grants.None, null));
        for (var piece = 0; piece < 500; piece++) _ = AdmitAsync(first);
        var last = AdmitAsync(second);
        Assert.False(last.IsCompleted);

        gateway.Complete([.. admitted.Take(2)]);

        Assert.Equal(Admission.Admitted, await last.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Should_take_nothing_of_what_it_lets_nobody_in_with()
    {
        gateway.Drain();

        Assert.Equal(Admission.Closing, await AdmitAsync(caller: null));
        Assert.False(Piecewise(null, 1).IsInBacklog);
        Assert.Equal(0, gateway.InFlightRows);
    }

    private async Task<Admission> AdmitAsync(Caller? caller)
    {
        var submission = Piecewise(caller, Piece);
        var admission = await gateway.AdmitAsync(submission, CancellationToken.None);
        if (admission != Admission.Admitted) return admission;
        // Completed by the test, so it must have begun.
        _ = submission.Begin(now: 0).Preserve();
        lock (admitted) admitted.Add(submission);
        return admission;
    }

    private Submission Piecewise(Caller? caller, int rows)
    {
        var submission = gateway.Rent(TestTables.Clicks());
        submission.Caller = caller;
        Fill(submission, rows);
        return submission;
    }
}
