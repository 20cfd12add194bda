using Ingest.Messages;
using Microsoft.Extensions.Primitives;

namespace Ingest.Node.Gateway.Http;

/// <summary>The header <c>Prefer</c> (RFC 7240), of which one preference means something here:
/// <c>respond-async</c>, for an answer as soon as a row is accepted.</summary>
internal static class Preference
{
    private const string RespondAsync = "respond-async";

    /// <summary>The level that a request asks for; null where it leaves that to the table.</summary>
    public static Acknowledge? Read(HttpRequest request)
    {
        StringValues values = request.Headers["Prefer"];
        if (values.Count == 0) return null;
        foreach (var value in values)
        {
            foreach (var preference in (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                // What follows a semicolon are parameters, of which respond-async has none.
                var name = preference.Split(';')[0].TrimEnd();
                if (name.Equals(RespondAsync, StringComparison.OrdinalIgnoreCase)) return Acknowledge.Accepted;
            }
        }

        return null;
    }

    /// <summary>Says that the preference was followed.</summary>
    public static void Applied(HttpResponse response) => response.Headers["Preference-Applied"] = RespondAsync;
}
