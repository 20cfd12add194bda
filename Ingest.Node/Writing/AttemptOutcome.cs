using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>How one transaction ended.</summary>
/// <param name="Result">What the batcher is told; null where an error is to be dealt with first.</param>
/// <param name="Kind">What the error is about; <see cref="ErrorKind.Transient"/> without one.</param>
internal readonly record struct AttemptOutcome(WriteResult? Result, PostgresException? Error, ErrorKind Kind)
{
    /// <summary>The row that the error names, by its index in the batch; null where it names none.</summary>
    public int? Named { get; init; }

    public static AttemptOutcome Of(WriteResult result) => new(result, null, ErrorKind.Transient);
}
