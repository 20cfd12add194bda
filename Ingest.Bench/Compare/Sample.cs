using Ingest.Bench.Load;

namespace Ingest.Bench.Compare;

/// <summary>One measurement of one contender.</summary>
internal sealed record Sample
{
    /// <summary>Rows with a good verdict, in a second; with a bad one too where rows are to be refused.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>From the sending of a row to its verdict; null where rows are not answered one by one.</summary>
    public LatencyPercentiles? LatencyMicroseconds { get; init; }

    /// <summary>Processor time of what was measured (node or baseline), in microseconds a row.</summary>
    public required double ServerCpuMicroseconds { get; init; }

    /// <summary>Processor time of PostgreSQL, all of its processes, in microseconds a row.</summary>
    public required double PostgresCpuMicroseconds { get; init; }

    /// <summary>Processor time of the load generator, which shares the machine, in microseconds a row.</summary>
    public required double GeneratorCpuMicroseconds { get; init; }

    /// <summary>Bytes that the server allocated, for each row; null where it does not tell.</summary>
    public double? AllocatedBytes { get; init; }
}
