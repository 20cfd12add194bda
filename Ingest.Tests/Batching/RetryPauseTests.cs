using Ingest.Node.Batching;

namespace Ingest.Tests.Batching;

public sealed class RetryPauseTests
{
    private static readonly BatchingOptions Options = LaneBufferTests.Options;

    [Theory]
    [InlineData(0.0, new[] { 50.0, 100, 200, 400, 800, 1_000, 1_000 })]
    [InlineData(1.0, new[] { 100.0, 200, 400, 800, 1_600, 2_000, 2_000 })]
    public void Should_double_from_the_least_to_the_most_and_leave_out_up_to_a_half(double random, double[] pauses)
    {
        var retries = new RetryPause(Options, new Always(random));

        Assert.Equal(pauses, pauses.Select(_ => retries.Next().TotalMilliseconds));
        Assert.Equal(pauses.Length, retries.Failures);
    }

    [Fact]
    public void Should_begin_again_after_a_success_and_stay_at_the_most_for_ever()
    {
        var retries = new RetryPause(Options, new Always(1));
        for (var failure = 0; failure < 2_000; failure++) retries.Next();

        Assert.Equal(Options.RetryMax, retries.Next());
        retries.Reset();
        Assert.Equal(0, retries.Failures);
        Assert.Equal(Options.RetryMin, retries.Next());
    }

    private sealed class Always(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
