using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.DeadLetters;

/// <summary>Writes letters as JSON.</summary>
internal static class LetterJson
{
    public static void Write(Utf8JsonWriter json, DeadLetter letter)
    {
        json.WriteStartObject();
        json.WriteNumber("id"u8, letter.Id);
        json.WriteString("table"u8, letter.Table);
        WriteRaw(json, "payload"u8, letter.Payload);
        WriteRaw(json, "rowId"u8, letter.RowId);
        json.WriteString("idempotencyKey"u8, letter.IdempotencyKey);
        json.WritePropertyName("error"u8);
        // The very words that the row's caller was told.
        Problems.Of(Verdict.Rejected(letter.Error))!.WriteTo(json);
        json.WriteNumber("attempts"u8, letter.Attempts);
        json.WriteString("occurredAt"u8, letter.OccurredAt);
        json.WriteString("attemptedAt"u8, letter.AttemptedAt);
        if (letter.ReplayedAt is { } replayedAt) json.WriteString("replayedAt"u8, replayedAt);
        json.WriteEndObject();
    }

    private static void WriteRaw(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value ?? "null", skipInputValidation: true);
    }
}
