using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Ingest.Node.Gateway.Http;

/// <summary>
/// A body that many ask for and that seldom changes: kept with its tag, so that who has it already is told so, and
/// compressed when the first caller takes it so. Thread-safe.
/// </summary>
internal sealed class CachedAnswer(byte[] body, string mediaType)
{
    private const int TagBytes = 12;

    private readonly string tag = $"W/\"{Convert.ToHexStringLower(SHA256.HashData(body)[..TagBytes])}\"";
    private readonly Lazy<byte[]> compressed = new(() => Compress(body));

    /// <summary>Answers with the body, or with 304.</summary>
    /// <remarks>Callers ask each time whether it is still the same: that is what makes a new version show at
    /// once.</remarks>
    public void Write(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ETag = tag;
        headers.CacheControl = "no-cache";
        headers.Vary = HeaderNames.AcceptEncoding;
        headers.XContentTypeOptions = "nosniff";
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(tag, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        if (TakesGzip(context.Request)) headers.ContentEncoding = "gzip";
        Answers.Write(
            context,
            StatusCodes.Status200OK,
            mediaType,
            headers.ContentEncoding.Count > 0 ? compressed.Value : body);
    }

    private static bool TakesGzip(HttpRequest request) =>
        StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var codings)
        && codings.Any(coding => coding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase)
            && coding.Quality is not 0);

    private static byte[] Compress(byte[] body)
    {
        var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Optimal)) gzip.Write(body);
        return buffer.ToArray();
    }
}
