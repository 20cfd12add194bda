using Ingest.Messages;
using ApiAcknowledge = Ingest.Messages.Api.V1.Acknowledge;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>The level of acknowledgement that a caller asks for.</summary>
internal static class Acknowledgement
{
    /// <summary>What a request's field means; null for the table's own level, also where a newer client asks for a
    /// level that this node does not know.</summary>
    public static Acknowledge? Of(ApiAcknowledge given) => given switch
    {
        ApiAcknowledge.Committed => Acknowledge.Committed,
        ApiAcknowledge.Accepted => Acknowledge.Accepted,
        _ => null,
    };
}
