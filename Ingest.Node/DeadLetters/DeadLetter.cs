using System.Globalization;

namespace Ingest.Node.DeadLetters;

/// <summary>A row that PostgreSQL refused, as it is kept.</summary>
internal sealed record DeadLetter
{
    /// <summary>Counts all letters, in the order in which their rows were refused.</summary>
    public required long Id { get; init; }

    /// <summary>The table's served name at that time.</summary>
    public required string Table { get; init; }

    /// <summary>The row as JSON; null once it was replayed.</summary>
    public required string? Payload { get; init; }

    /// <summary>The row's id as JSON; of the row that was written, once it was replayed. null where the table was
    /// gone.</summary>
    public required string? RowId { get; init; }

    /// <summary>The key that the row came with; in a stream, with its line.</summary>
    public required string? IdempotencyKey { get; init; }

    /// <summary>Why the last attempt was refused.</summary>
    public required Messages.Rejection Error { get; init; }

    /// <summary>How often PostgreSQL, or the checks before it, saw the row.</summary>
    public required int Attempts { get; init; }

    /// <summary>When the row was refused first, by the database's clock.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>When it was attempted last.</summary>
    public required DateTimeOffset AttemptedAt { get; init; }

    public required DateTimeOffset? ReplayedAt { get; init; }

    /// <summary>
    /// The entity tag (RFC 9110, section 8.8.3). What changes in a letter is its payload, by an edit, and with each
    /// attempt the rest.
    /// </summary>
    public string ETag => string.Create(
        CultureInfo.InvariantCulture, $"\"{Attempts}-{LetterPayload.DigestOf(Payload ?? "").ToString("N")[..16]}\"");
}
