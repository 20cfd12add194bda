using Ingest.Node.Catalog;

namespace Ingest.Tests.Catalog;

public sealed class UuidKeysTests
{
    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static Guid Next(UuidKeys keys)
    {
        Span<byte> bytes = stackalloc byte[UuidKeys.Size];
        keys.Next(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    [Fact]
    public void Should_carry_the_time_version_and_variant()
    {
        var now = new DateTimeOffset(2026, 11, 23, 10, 0, 0, 123, TimeSpan.Zero);

        var uuid = Next(new UuidKeys(new Clock(now)));

        Assert.Equal(7, uuid.Version);
        Assert.InRange(uuid.Variant, 8, 11);
        Assert.Equal(now.ToUnixTimeMilliseconds(), Convert.ToInt64(uuid.ToString("N")[..12], 16));
    }

    [Fact]
    public void Should_rise_while_the_clock_stands_or_is_set_back()
    {
        var clock = new Clock(DateTimeOffset.UnixEpoch.AddYears(50));
        var keys = new UuidKeys(clock);
        var made = new List<string>();

        for (var i = 0; i < 10_000; i++)
        {
            if (i == 5_000) clock.Now = clock.Now.AddHours(-1);
            made.Add(Next(keys).ToString());
        }

        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        Assert.Equal(10_000, made.Distinct().Count());
    }

    [Fact]
    public void Should_never_make_the_same_one_on_two_threads()
    {
        var keys = new UuidKeys(TimeProvider.System);
        var made = new Guid[8][];

        Parallel.For(0, made.Length, i => made[i] = [.. Enumerable.Range(0, 5_000).Select(_ => Next(keys))]);

        Assert.Equal(40_000, made.SelectMany(uuids => uuids).Distinct().Count());
    }
}
