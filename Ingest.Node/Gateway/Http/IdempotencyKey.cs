using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;

namespace Ingest.Node.Gateway.Http;

/// <summary>
/// The header <c>Idempotency-Key</c> (IETF draft-ietf-httpapi-idempotency-key-header). A request of one row gives its
/// row this key; each row of a stream gets the key and its line, so that a whole stream can be sent again.
/// </summary>
internal static class IdempotencyKey
{
    private const string Header = "Idempotency-Key";
    private const int MaxLength = 255;
    private const int DigestBytes = 16;

    private static readonly Problem Malformed = Problems.RequestInvalid(
        StatusCodes.Status400BadRequest,
        "The header Idempotency-Key is given once, with 1 to 255 printable ASCII characters.");

    /// <summary>Reads the header.</summary>
    /// <param name="key">null where there is none.</param>
    /// <returns>What is wrong with it; null where it is right or absent.</returns>
    public static Problem? Read(HttpRequest request, out string? key)
    {
        key = null;
        if (!request.Headers.TryGetValue(Header, out var values)) return null;
        key = values.Count == 1 ? values[0] : null;
        return key is { Length: > 0 and <= MaxLength } && key.All(c => c is > ' ' and <= '~') ? null : Malformed;
    }

    /// <summary>The key of one line of a stream; the space sets it apart from every key that a caller can
    /// send.</summary>
    public static string OfLine(string key, long line) => string.Create(CultureInfo.InvariantCulture, $"{key} {line}");

    /// <summary>What a repeat must have in common with the first row: its very bytes.</summary>
    public static Guid DigestOf(in ReadOnlySequence<byte> row)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (row.IsSingleSegment) SHA256.HashData(row.FirstSpan, hash);
        else SHA256.HashData(row.ToArray(), hash);
        return new Guid(hash[..DigestBytes], bigEndian: true);
    }
}
