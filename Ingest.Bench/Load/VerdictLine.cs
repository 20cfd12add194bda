using System.Text.Json;

namespace Ingest.Bench.Load;

/// <summary>One line of an NDJSON answer: a row's verdict, or the closing summary.</summary>
/// <param name="Line">The row's line in the request, from 1; 0 in the summary.</param>
/// <param name="Status">The row's status; 0 in the summary.</param>
/// <param name="Committed">The summary's count; 0 in a verdict.</param>
public readonly record struct VerdictLine(long Line, int Status, long Committed)
{
    public bool IsSummary => Line == 0;

    /// <summary>Reads no further than it has to: what stands behind line and status is the caller's.</summary>
    /// <exception cref="InvalidDataException">The line is neither a verdict nor a summary.</exception>
    public static VerdictLine Parse(ReadOnlySpan<byte> text)
    {
        try
        {
            return Read(text);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("A line of the answer is not JSON.", e);
        }
    }

    private static VerdictLine Read(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        long line = 0, committed = -1;
        var status = 0;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new InvalidDataException("A verdict is not an object.");
        while ((line == 0 || status == 0) && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isLine = reader.ValueTextEquals("line"u8);
            var isStatus = reader.ValueTextEquals("status"u8);
            var isCommitted = reader.ValueTextEquals("committed"u8);
            reader.Read();
            if (isLine) line = Number(reader);
            else if (isStatus) status = (int)Number(reader);
            else if (isCommitted) committed = Number(reader);
            else reader.Skip();
        }
        if (line > 0 && status > 0) return new VerdictLine(line, status, 0);
        return line == 0 && status == 0 && committed >= 0
            ? new VerdictLine(0, 0, committed)
            : throw new InvalidDataException("A line of the answer is neither a verdict nor a summary.");
    }

    private static long Number(Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number)
            ? number
            : throw new InvalidDataException("A number in a verdict is not one.");
}
