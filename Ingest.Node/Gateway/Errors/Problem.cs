using System.Collections.Immutable;
using System.Text.Json;

namespace Ingest.Node.Gateway.Errors;

/// <summary>
/// One error answer, as RFC 9457 has it, for a whole response as well as for one line of a stream. Carries nothing of
/// the service's insides.
/// </summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Type">The kind of problem.</param>
/// <param name="Detail">One or more sentences for the caller about this very case.</param>
internal sealed record Problem(int Status, ProblemType Type, string Detail)
{
    public string? SqlState { get; init; }

    public string? Constraint { get; init; }

    public string? Column { get; init; }

    /// <summary>What is wrong, by column, as it was found; a column may occur more than once.</summary>
    public ImmutableArray<(string Column, string Message)> Errors { get; init; } = [];

    /// <summary>The caller may send the same again after a pause.</summary>
    public bool MayRetry { get; init; }

    /// <summary>Writes the problem as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Type.Uri);
        json.WriteString("title"u8, Type.Title);
        json.WriteNumber("status"u8, Status);
        json.WriteString("detail"u8, Detail);
        if (SqlState is not null) json.WriteString("sqlstate"u8, SqlState);
        if (Constraint is not null) json.WriteString("constraint"u8, Constraint);
        if (Column is not null) json.WriteString("column"u8, Column);
        if (!Errors.IsEmpty) WriteErrors(json);
        json.WriteEndObject();
    }

    private void WriteErrors(Utf8JsonWriter json)
    {
        json.WriteStartObject("errors"u8);
        foreach (var column in Errors.GroupBy(error => error.Column, StringComparer.Ordinal))
        {
            json.WriteStartArray(column.Key);
            foreach (var (_, message) in column) json.WriteStringValue(message);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
