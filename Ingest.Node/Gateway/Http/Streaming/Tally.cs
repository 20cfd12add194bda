using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>How many rows of a stream ended how: the closing summary.</summary>
internal sealed class Tally
{
    private long committed;
    private long accepted;
    private long rejected;
    private long notWritten;
    private long unknown;

    public void Count(VerdictKind kind)
    {
        switch (kind)
        {
            case VerdictKind.Committed:
                committed++;
                break;
            case VerdictKind.Accepted:
                accepted++;
                break;
            case VerdictKind.Rejected:
                rejected++;
                break;
            case VerdictKind.NotWritten or VerdictKind.Overloaded:
                notWritten++;
                break;
            default:
                unknown++;
                break;
        }
    }

    /// <summary>Counts a line that never became a row: its own fault, or, where it may be sent again, not.</summary>
    public void Count(Problem problem) =>
        Count(problem.MayRetry ? VerdictKind.NotWritten : VerdictKind.Rejected);

    /// <summary>Writes the summary, with the reason where the stream ended early.</summary>
    public void WriteTo(Utf8JsonWriter json, Problem? ending)
    {
        json.WriteStartObject();
        json.WriteNumber("committed"u8, committed);
        json.WriteNumber("accepted"u8, accepted);
        json.WriteNumber("rejected"u8, rejected);
        if (notWritten > 0) json.WriteNumber("notWritten"u8, notWritten);
        if (unknown > 0) json.WriteNumber("unknown"u8, unknown);
        if (ending is not null)
        {
            json.WritePropertyName("error"u8);
            ending.WriteTo(json);
        }

        json.WriteEndObject();
    }
}
