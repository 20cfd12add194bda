using Ingest.Node.Observability;

namespace Ingest.Tests.Observability;

public sealed class RecentHistogramTests
{
    private const long Second = 1_000;

    private readonly RecentHistogram histogram = new(frequency: Second);

    [Fact]
    public void Should_tell_nothing_of_nothing() => Assert.Equal(default, histogram.Read(0));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(12_345)]
    [InlineData(3_000_000)]
    public void Should_tell_percentiles_within_an_eighth(long scale)
    {
        for (var value = 1; value <= 1000; value++) histogram.Record(value * scale, 0);

        var read = histogram.Read(0);

        Assert.Equal(1000, read.Count);
        AssertClose(500 * scale, read.P50);
        AssertClose(900 * scale, read.P90);
        AssertClose(990 * scale, read.P99);
        AssertClose(999 * scale, read.P999);
        AssertClose(1000 * scale, read.Max);
    }

    [Fact]
    public void Should_keep_small_values_exactly()
    {
        for (var value = 0; value < 10; value++) histogram.Record(value, 0);

        Assert.Equal(new Distribution(10, 4, 8, 9, 9, 9), histogram.Read(0));
    }

    [Fact]
    public void Should_take_a_value_beyond_its_range_for_the_largest() 
    {
        histogram.Record(long.MaxValue, 0);

        Assert.Equal(RecentHistogram.MaxValue, histogram.Read(0).Max);
    }

    [Fact]
    public void Should_forget_what_is_older_than_about_ten_seconds()
    {
        histogram.Record(5, 0);
        histogram.Record(9, 6 * Second);

        Assert.Equal(2, histogram.Read(10 * Second).Count);
        Assert.Equal(9, histogram.Read(13 * Second).P50);
        Assert.Equal(default, histogram.Read(60 * Second));
        histogram.Record(3, 60 * Second);
        Assert.Equal((1, 3), (histogram.Read(60 * Second).Count, histogram.Read(60 * Second).Max));
    }

    [Fact]
    public void Should_lose_nothing_that_threads_record_together()
    {
        Parallel.For(0, 4, _ =>
        {
            for (var value = 0; value < 10_000; value++) histogram.Record(value, 100);
        });

        Assert.Equal(40_000, histogram.Read(100).Count);
    }

    private static void AssertClose(long expected, long actual) =>
        Assert.InRange(actual, expected, expected + (expected / 8) + 1);
}
