namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>How verdicts are laid out in an answer.</summary>
/// <param name="MediaType">The answer's Content-Type.</param>
/// <param name="IsArray">One JSON array; else a line each.</param>
/// <param name="HasSummary">The summary comes last in any case; else only where the stream ended early, since an array
/// of verdicts has one element for each of the request's.</param>
internal sealed record VerdictLayout(string MediaType, bool IsArray, bool HasSummary)
{
    public static readonly VerdictLayout Lines = new(MediaTypes.Ndjson, IsArray: false, HasSummary: true);

    public static readonly VerdictLayout Array = new(MediaTypes.Json, IsArray: true, HasSummary: false);

    public static readonly VerdictLayout ArrayWithSummary = new(MediaTypes.Json, IsArray: true, HasSummary: true);
}
