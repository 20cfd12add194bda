using System.Text.Json;
using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>How the encoding of one row ended.</summary>
public enum EncodeResult
{
    /// <summary>The row was appended to the block.</summary>
    Encoded,

    /// <summary>The row is at fault: the errors say why, and the block is as it was.</summary>
    Invalid,

    /// <summary>The row needs a key from a sequence whose block is used up: await
    /// <see cref="SequenceKeys.ReserveAsync"/> of the table's keys, then encode again. The block is as it was.</summary>
    NeedsKeys,
}

/// <summary>
/// Validates rows against a table and encodes each, in one pass over its UTF-8, into its binary COPY tuple. Holds scratch
/// space, so it is reusable but not thread-safe: one for each request or stream at a time.
/// </summary>
public sealed class RowEncoder(TableDescriptor table)
{
    public TableDescriptor Table { get; } = table;

    /// <summary>Encodes one JSON object. <paramref name="utf8"/> holds the object and nothing else but white space.</summary>
    public EncodeResult EncodeJson(ReadOnlySpan<byte> utf8, RowBlock block, RowErrors errors) => throw new NotImplementedException();

    /// <summary>Encodes one CSV record (RFC 4180), without its line end.</summary>
    public EncodeResult EncodeCsv(ReadOnlySpan<byte> record, CsvHeader header, RowBlock block, RowErrors errors) =>
        throw new NotImplementedException();

    /// <summary>Writes the key of an encoded row as a JSON value: the value of a single column; an object for a composite
    /// key; null where the table has no key or PostgreSQL makes it.</summary>
    public static void WriteKey(TableDescriptor table, Shape shape, ReadOnlySpan<byte> tuple, Utf8JsonWriter json) =>
        throw new NotImplementedException();
}
