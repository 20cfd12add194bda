namespace Ingest.Messages;

/// <summary>
/// The idempotency key that a caller gave to a row: of rows with the same key in one table, only the first is written,
/// and the others get its verdict.
/// </summary>
/// <param name="Row">The row's place in its envelope, counted from 0.</param>
/// <param name="Key">The caller's own words, at most <see cref="MaxLength"/> characters.</param>
/// <param name="Digest">The first 16 bytes of the SHA-256 of the row as it was received: a repeat must have the
/// same.</param>
public readonly record struct RowKey(int Row, string Key, Guid Digest)
{
    /// <summary>The longest key, in UTF-16 code units.</summary>
    public const int MaxLength = 300;

    /// <summary>
    /// What stands for SQLSTATE when a key comes again with another payload; the class IK is not one of PostgreSQL's.
    /// </summary>
    public const string Mismatch = "IK001";
}

/// <summary>A row that repeats one that was written before: it was not written again.</summary>
/// <param name="Position">The repeating row.</param>
/// <param name="Id">The id of the row that it repeats, as JSON.</param>
public readonly record struct RowRepeat(long Position, string Id);
