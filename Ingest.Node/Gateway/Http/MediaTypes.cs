using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Ingest.Node.Gateway.Http;

/// <summary>How the rows of a body are written.</summary>
internal enum RowFormat
{
    Unsupported,
    Json,
    Ndjson,
    Csv,
}

internal static class MediaTypes
{
    public const string Json = "application/json";
    public const string Ndjson = "application/x-ndjson";
    public const string ProblemJson = "application/problem+json";

    /// <summary>The format that a Content-Type names; unsupported also for a charset other than UTF-8.</summary>
    public static RowFormat FormatOf(string? contentType)
    {
        if (contentType == Json) return RowFormat.Json;
        if (!MediaTypeHeaderValue.TryParse(contentType, out var parsed)) return RowFormat.Unsupported;
        if (!IsUtf8(parsed.Charset)) return RowFormat.Unsupported;
        if (IsNdjson(parsed.MediaType)) return RowFormat.Ndjson;
        if (parsed.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)) return RowFormat.Json;
        return parsed.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase)
            ? RowFormat.Csv
            : RowFormat.Unsupported;
    }

    /// <summary>True where the caller asks for a verdict a line and does not take JSON as gladly.</summary>
    public static bool PrefersNdjson(StringValues accept)
    {
        if (accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(accept, out var types)) return false;
        double ndjson = 0, json = 0;
        foreach (var type in types)
        {
            var quality = type.Quality ?? 1;
            if (IsNdjson(type.MediaType)) ndjson = Math.Max(ndjson, quality);
            else if (type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)) json = Math.Max(json, quality);
        }

        return ndjson > json;
    }

    private static bool IsNdjson(StringSegment mediaType) =>
        mediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase)
        || mediaType.Equals("application/jsonl", StringComparison.OrdinalIgnoreCase);

    private static bool IsUtf8(StringSegment charset) =>
        charset.Length == 0
        || HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
        || HeaderUtilities.RemoveQuotes(charset).Equals("us-ascii", StringComparison.OrdinalIgnoreCase);
}
