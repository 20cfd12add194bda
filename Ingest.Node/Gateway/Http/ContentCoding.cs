using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using System.IO.Pipelines;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Ingest.Node.Gateway.Http;

/// <summary>
/// Takes content codings off a body, in a stream: what it holds at a time does not depend on how far the body expands.
/// How large a row may become is for those who read the rows to check.
/// </summary>
internal static class ContentCoding
{
    /// <summary>For <c>Accept-Encoding</c> in an answer of 415 (RFC 9110, section 12.5.3).</summary>
    public const string Known = "gzip, br, zstd";

    // Each coding that is stacked has its own window; nobody means more than two.
    private const int MaxStacked = 4;

    // RFC 8878, section 3.1.1.1.2: decoders should support windows of 8 MiB, and may refuse larger ones.
    private const int MaxZstdWindowLog = 23;

    /// <summary>The body as its sender had it before any coding.</summary>
    /// <returns>False where a coding is unknown, or where too many are stacked.</returns>
    public static bool TryOpen(HttpRequest request, [NotNullWhen(true)] out PipeReader? body)
    {
        body = request.BodyReader;
        var header = request.Headers.ContentEncoding;
        if (header.Count == 0) return true;
        var codings = header.ToString().Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (codings.Length > MaxStacked) return false;
        var stream = request.Body;
        // They are listed in the order in which they were applied.
        foreach (var coding in codings.Reverse())
        {
            if (coding.Equals("identity", StringComparison.OrdinalIgnoreCase)) continue;
            if (Decoder(coding, stream) is not { } decoder) return false;
            stream = new DecodingStream(decoder);
        }

        if (!ReferenceEquals(stream, request.Body))
            body = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024));
        return true;
    }

    private static Stream? Decoder(string coding, Stream encoded) => coding.ToUpperInvariant() switch
    {
        "GZIP" or "X-GZIP" => new GZipStream(encoded, CompressionMode.Decompress),
        "BR" => new BrotliStream(encoded, CompressionMode.Decompress),
        "ZSTD" => Zstd(encoded),
        _ => null,
    };

    private static DecompressionStream Zstd(Stream encoded)
    {
        var stream = new DecompressionStream(encoded);
        stream.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxZstdWindowLog);
        return stream;
    }
}
