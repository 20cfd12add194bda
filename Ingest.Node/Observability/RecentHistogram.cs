using System.Numerics;

namespace Ingest.Node.Observability;

/// <summary>
/// How values were distributed over the last ten seconds: what a live view shows. Buckets grow by an eighth of a power
/// of two, so a percentile is off by 12 % at most. Recording is an addition; the few that fall into the moment in which
/// a slice of time begins may be lost. Thread-safe.
/// </summary>
/// <param name="frequency">Ticks of the clock in a second, which <c>now</c> is counted in.</param>
internal sealed class RecentHistogram(long frequency)
{
    private const int SubBits = 3;
    private const int Buckets = 32 << SubBits;
    private const int Slices = 6;

    private readonly long sliceTicks = frequency * 2;
    private readonly Slice?[] slices = new Slice?[Slices];

    /// <summary>The largest value that is told apart; larger ones count as it.</summary>
    public static long MaxValue { get; } = UpperBoundOf(Buckets - 1);

    /// <param name="value">Not negative.</param>
    /// <param name="now">A timestamp of the clock that <c>frequency</c> belongs to.</param>
    public void Record(long value, long now)
    {
        var number = now / sliceTicks;
        ref var place = ref slices[(int)(number % Slices)];
        var slice = Volatile.Read(ref place);
        if (slice is null || slice.Number != number)
        {
            var began = new Slice(number);
            var found = Interlocked.CompareExchange(ref place, began, slice);
            slice = ReferenceEquals(found, slice) ? began : found!;
        }

        Interlocked.Increment(ref slice.Counts[BucketOf(value)]);
    }

    /// <summary>The distribution over the last ten seconds, the present slice of two included.</summary>
    public Distribution Read(long now)
    {
        var number = now / sliceTicks;
        var sums = new long[Buckets];
        long count = 0;
        var last = -1;
        foreach (var slice in slices)
        {
            if (slice is null || slice.Number > number || slice.Number <= number - Slices) continue;
            for (var bucket = 0; bucket < Buckets; bucket++)
            {
                var counted = Volatile.Read(ref slice.Counts[bucket]);
                if (counted == 0) continue;
                sums[bucket] += counted;
                count += counted;
                last = Math.Max(last, bucket);
            }
        }

        return count == 0
            ? default
            : new Distribution(count, At(0.5), At(0.9), At(0.99), At(0.999), UpperBoundOf(last));

        long At(double quantile)
        {
            var rank = (long)Math.Ceiling(count * quantile);
            for (var bucket = 0; ; bucket++)
                if ((rank -= sums[bucket]) <= 0) return UpperBoundOf(bucket);
        }
    }

    /// <summary>Values up to 8 have a bucket each; from there on eight share a power of two.</summary>
    private static int BucketOf(long value)
    {
        if (value < 1 << SubBits) return (int)Math.Max(value, 0);
        var shift = BitOperations.Log2((ulong)value) - SubBits;
        return (int)Math.Min(Buckets - 1, ((long)shift << SubBits) + (value >> shift));
    }

    private static long UpperBoundOf(int bucket)
    {
        if (bucket < 2 << SubBits) return bucket;
        var shift = (bucket >> SubBits) - 1;
        return ((long)((bucket & ((1 << SubBits) - 1)) + (1 << SubBits) + 1) << shift) - 1;
    }

    private sealed class Slice(long number)
    {
        public long Number { get; } = number;

        public int[] Counts { get; } = new int[Buckets];
    }
}

/// <summary>How recent values were distributed; all zero where there was none.</summary>
/// <param name="Count">How many there were in about ten seconds.</param>
/// <param name="Max">The largest, rounded up to its bucket's end.</param>
public readonly record struct Distribution(long Count, long P50, long P90, long P99, long P999, long Max);
