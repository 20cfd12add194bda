using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>PostgreSQL refused a COPY.</summary>
/// <param name="named">The index in the batch of the row that PostgreSQL named; null where it named none.</param>
internal sealed class CopyFailedException(PostgresException error, int? named) : Exception(error.MessageText, error)
{
    public PostgresException Error { get; } = error;

    public int? Named { get; } = named;
}
