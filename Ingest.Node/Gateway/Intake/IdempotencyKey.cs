using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Intake;

/// <summary>
/// The key by which a caller may send a row again. A request of one row gives its row this key; each row of a stream
/// gets the key and its line, so that a whole stream can be sent again.
/// </summary>
internal static class IdempotencyKey
{
    private const int MaxLength = 255;
    private const int DigestBytes = 16;

    public static readonly Problem Malformed = Problems.RequestInvalid(
        StatusCodes.Status400BadRequest,
        "An idempotency key is given once, with 1 to 255 printable ASCII characters.");

    /// <summary>1 to 255 printable ASCII characters.</summary>
    public static bool IsValid(string key) =>
        key is { Length: > 0 and <= MaxLength } && key.All(c => c is > ' ' and <= '~');

    /// <summary>The key of one line of a stream; the space sets it apart from every key that a caller can
    /// send.</summary>
    public static string OfLine(string key, long line) => string.Create(CultureInfo.InvariantCulture, $"{key} {line}");

    /// <summary>What a repeat must have in common with the first row: its very bytes.</summary>
    public static Guid DigestOf(in ReadOnlySequence<byte> row, RowForm form)
    {
        if (!row.IsSingleSegment) return DigestOf(row.ToArray());
        return form.Syntax switch
        {
            RowSyntax.Record => DigestOf([.. DigestOf(form.Header!).ToByteArray(), .. row.FirstSpan]),
            RowSyntax.Values => DigestOfValues(row.FirstSpan),
            _ => DigestOf(row.FirstSpan),
        };
    }

    private static Guid DigestOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new Guid(hash[..DigestBytes], bigEndian: true);
    }

    /// <summary>The values of a record mean nothing without their columns.</summary>
    private static Guid DigestOf(RowHeader header) => DigestOf(
        Encoding.UTF8.GetBytes(string.Join('\0', header.Columns.Select(column => header.Table.Columns[column].Name))));

    /// <summary>Libraries write the entries of a map in any order, so the order must not count.</summary>
    private static Guid DigestOfValues(ReadOnlySpan<byte> values)
    {
        UInt128 sum = 0;
        Span<byte> digest = stackalloc byte[DigestBytes];
        var reader = new ProtobufReader(values);
        while (reader.Next())
        {
            if (reader.WireType != ProtobufReader.Length)
            {
                reader.Skip();
                continue;
            }

            DigestOf(reader.ReadBytes()).TryWriteBytes(digest);
            sum += BinaryPrimitives.ReadUInt128BigEndian(digest);
        }

        BinaryPrimitives.WriteUInt128BigEndian(digest, sum);
        return new Guid(digest, bigEndian: true);
    }
}
