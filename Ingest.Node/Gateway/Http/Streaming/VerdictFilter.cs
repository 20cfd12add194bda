using Microsoft.Extensions.Primitives;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>Which verdicts a caller wants to read.</summary>
internal enum VerdictFilter
{
    All,
    Errors,
    None,
}

internal static class VerdictFilters
{
    /// <summary>Reads <c>?verdicts=all|errors|none</c>; all where it is not given.</summary>
    public static bool TryParse(StringValues given, out VerdictFilter filter)
    {
        filter = VerdictFilter.All;
        switch (given.ToString())
        {
            case "" or "all":
                return true;
            case "errors":
                filter = VerdictFilter.Errors;
                return true;
            case "none":
                filter = VerdictFilter.None;
                return true;
            default:
                return false;
        }
    }
}
