using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Ingest.Node.Catalog;

/// <summary>
/// Makes UUIDs of version 7 (RFC 9562) for keys. Thread-safe; each is greater than those that this instance made before
/// it, so that rows of one node land side by side at the end of an index.
/// </summary>
/// <remarks>
/// The 12 bits behind the millisecond are its fraction, as in method 3 of section 6.2 of the RFC. A burst that is
/// faster than 4,096 a millisecond runs ahead of the clock, and a clock that is set back is waited for at the same
/// pace.
/// </remarks>
public sealed class UuidKeys(TimeProvider time)
{
    /// <summary>The bytes of a UUID.</summary>
    public const int Size = 16;

    private const int PoolBytes = 512;

    // A call to the system's generator costs more than a key should, so each thread draws some at a time.
    [ThreadStatic]
    private static byte[]? pool;

    [ThreadStatic]
    private static int poolUsed;

    // Milliseconds since the Unix epoch and 12 bits of fraction, of the last UUID.
    private long last;

    /// <summary>For descriptors that no catalog made: keys by the system's clock.</summary>
    public static UuidKeys Shared { get; } = new(TimeProvider.System);

    /// <summary>Writes the next UUID, in network byte order, into <see cref="Size"/> bytes.</summary>
    public void Next(Span<byte> uuid)
    {
        var stamp = NextStamp();
        Random(uuid[8..Size]);
        var (milliseconds, fraction) = (stamp >> 12, stamp & 0xFFF);
        BinaryPrimitives.WriteInt64BigEndian(uuid, (milliseconds << 16) | 0x7000 | fraction);
        uuid[8] = (byte)((uuid[8] & 0x3F) | 0x80);
    }

    private long NextStamp()
    {
        var (milliseconds, ticks) = Math.DivRem(
            (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks, TimeSpan.TicksPerMillisecond);
        var now = (milliseconds << 12) | (ticks * 4096 / TimeSpan.TicksPerMillisecond);
        while (true)
        {
            var before = Volatile.Read(ref last);
            var next = Math.Max(now, before + 1);
            if (Interlocked.CompareExchange(ref last, next, before) == before) return next;
        }
    }

    private static void Random(Span<byte> bytes)
    {
        if (pool is null || poolUsed + bytes.Length > pool.Length)
        {
            pool ??= new byte[PoolBytes];
            RandomNumberGenerator.Fill(pool);
            poolUsed = 0;
        }

        pool.AsSpan(poolUsed, bytes.Length).CopyTo(bytes);
        poolUsed += bytes.Length;
    }
}
