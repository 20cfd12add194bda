using HdrHistogram;

namespace Ingest.Bench.Load;

/// <summary>Latencies in microseconds at the percentiles that are reported; all 0 where nothing was recorded.</summary>
public sealed record LatencyPercentiles(long Count, double P50, double P90, double P99, double P999, double Max);

/// <summary>
/// Collects latencies of the whole load and of the time since the last look, with three significant digits, from 1 µs
/// to one hour; longer ones count as one hour.
/// </summary>
public sealed class LatencyRecorder
{
    private const long HighestMicroseconds = 3_600_000_000;

    private readonly Lock gate = new();
    private readonly long ticksPerSecond;
    private readonly LongHistogram total = new(HighestMicroseconds, 3);
    private readonly LongHistogram recent = new(HighestMicroseconds, 3);

    public LatencyRecorder(TimeProvider time) => ticksPerSecond = time.TimestampFrequency;

    /// <summary>Records the time between two timestamps of the load's <see cref="TimeProvider"/>.</summary>
    public void Record(long from, long to)
    {
        var ticks = Math.Max(0, to - from);
        var microseconds = (long)(ticks * (1_000_000.0 / ticksPerSecond));
        var value = Math.Clamp(microseconds, 1, HighestMicroseconds);
        // Connections are few and the critical section is some nanoseconds; a lock costs less than merging histograms.
        lock (gate)
        {
            total.RecordValue(value);
            recent.RecordValue(value);
        }
    }

    public LatencyPercentiles Total()
    {
        lock (gate) return Read(total);
    }

    /// <summary>The percentiles since the last call, which start anew.</summary>
    public LatencyPercentiles TakeRecent()
    {
        lock (gate)
        {
            var read = Read(recent);
            recent.Reset();
            return read;
        }
    }

    private static LatencyPercentiles Read(LongHistogram histogram) => histogram.TotalCount == 0
        ? new LatencyPercentiles(0, 0, 0, 0, 0, 0)
        : new LatencyPercentiles(
            histogram.TotalCount,
            histogram.GetValueAtPercentile(50),
            histogram.GetValueAtPercentile(90),
            histogram.GetValueAtPercentile(99),
            histogram.GetValueAtPercentile(99.9),
            histogram.GetMaxValue());
}
