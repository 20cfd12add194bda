using System.ComponentModel.DataAnnotations;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Batching;

/// <summary>When a lane flushes, what it may hold, and how it retries. Set in <c>hocon/ingest.conf</c>, by
/// table.</summary>
public sealed record BatchingOptions
{
    /// <summary>A batch is flushed when it has this many rows, and never has more.</summary>
    [Range(1, 1_000_000)]
    public required int FlushEvery { get; init; }

    /// <summary>A batch is flushed when its oldest row is this old; zero: as soon as the writer is free.</summary>
    public required TimeSpan FlushInterval { get; init; }

    /// <summary>A batch is flushed when its tuples have this many bytes.</summary>
    [Range(1024, 1L << 30)]
    public required long FlushBytes { get; init; }

    /// <summary>The number of lanes: the table's write parallelism. Fixed in a table's life.</summary>
    [Range(1, 256)]
    public required int Lanes { get; init; }

    /// <summary>The bytes of tuples that a lane holds at most, waiting and in flight; what is above is
    /// refused.</summary>
    [Range(1024, long.MaxValue)]
    public required long BufferBytes { get; init; }

    /// <summary>The level of rows whose caller asks for none.</summary>
    public required Acknowledge Acknowledge { get; init; }

    /// <summary>The bytes of tuples that are accepted and not yet written, in one lane at most; what is above is
    /// refused.</summary>
    [Range(1024, long.MaxValue)]
    public required long JournalBacklogBytes { get; init; }

    /// <summary>The first pause before a failed write is tried again; it doubles up to
    /// <see cref="RetryMax"/>.</summary>
    public required TimeSpan RetryMin { get; init; }

    public required TimeSpan RetryMax { get; init; }

    /// <summary>How long a lane that is told to stop may take to write what it holds.</summary>
    public required TimeSpan StopTimeout { get; init; }

    /// <summary>Whether rows that PostgreSQL refuses are kept as dead letters also where their caller is
    /// told.</summary>
    public bool DeadLetters { get; init; }

    /// <summary>What becomes of rows whose like is in the table.</summary>
    public OnConflict OnConflict { get; init; } = OnConflict.Fail;
}
