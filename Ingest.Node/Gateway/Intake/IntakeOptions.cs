namespace Ingest.Node.Gateway.Intake;

/// <summary>What the doors may spend on a request. The values are in <c>hocon/ingest.conf</c>.</summary>
public sealed class IntakeOptions
{
    public IntakeOptions(
        long maxRowBytes, int streamChunks, TimeSpan retryAfter, TimeSpan streamIdleTimeout, long partialBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRowBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRowBytes, Array.MaxLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(streamChunks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(retryAfter, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(streamIdleTimeout, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(partialBytes, maxRowBytes);
        MaxRowBytes = maxRowBytes;
        StreamChunks = streamChunks;
        RetryAfter = retryAfter;
        StreamIdleTimeout = streamIdleTimeout;
        PartialBytes = partialBytes;
    }

    /// <summary>The bytes that one row may have in its text form, after decompression. A longer one is a 413.</summary>
    public long MaxRowBytes { get; }

    /// <summary>The chunks of one stream, of at most 512 rows or 64 KiB, that may wait for their verdicts.</summary>
    public int StreamChunks { get; }

    /// <summary>What <c>Retry-After</c> tells a caller that was turned away; whole seconds.</summary>
    public TimeSpan RetryAfter { get; }

    /// <summary>How long a stream may bring no row while it is being read, or leave verdicts unread.</summary>
    public TimeSpan StreamIdleTimeout { get; }

    /// <summary>Bytes of rows that have not come in as a whole, of all requests together.</summary>
    public long PartialBytes { get; }
}
