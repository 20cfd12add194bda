using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary>The header <c>Idempotency-Key</c> (IETF draft-ietf-httpapi-idempotency-key-header).</summary>
internal static class IdempotencyHeader
{
    private const string Header = "Idempotency-Key";

    /// <summary>Reads the header.</summary>
    /// <param name="key">null where there is none.</param>
    /// <returns>What is wrong with it; null where it is right or absent.</returns>
    public static Problem? Read(HttpRequest request, out string? key)
    {
        key = null;
        if (!request.Headers.TryGetValue(Header, out var values)) return null;
        key = values.Count == 1 ? values[0] : null;
        return key is not null && IdempotencyKey.IsValid(key) ? null : IdempotencyKey.Malformed;
    }
}
