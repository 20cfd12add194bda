using System.Buffers;
using System.Diagnostics;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// A codec whose values are single JSON tokens. A JSON string means what the same text means in CSV, so that there is
/// one set of rules: <see cref="FieldCodec.EncodeText"/>. Numbers and booleans are refused unless a codec takes them.
/// </summary>
internal abstract class ScalarCodec(string name) : FieldCodec(name)
{
    // Values with escapes are rare outside text; those up to this size are unescaped on the stack.
    private const int StackBytes = 256;

    public override string? EncodeJson(ref Utf8JsonReader reader, TupleWriter writer)
    {
        Debug.Assert(!reader.HasValueSequence, "rows are contiguous");
        switch (reader.TokenType)
        {
            case JsonTokenType.String when reader.ValueIsEscaped:
                return EncodeEscaped(reader.ValueSpan, writer);
            case JsonTokenType.String:
                return EncodeText(reader.ValueSpan, writer);
            case JsonTokenType.Number:
                return EncodeNumber(reader.ValueSpan, writer);
            case JsonTokenType.True or JsonTokenType.False:
                return EncodeBoolean(reader.TokenType == JsonTokenType.True, writer);
            case JsonTokenType.StartArray:
                reader.Skip();
                return "must not be an array";
            case JsonTokenType.StartObject:
                reader.Skip();
                return "must not be an object";
            default:
                throw new InvalidOperationException($"The reader stands on {reader.TokenType}, which is no value.");
        }
    }

    /// <summary>Encodes a JSON number from its text.</summary>
    protected virtual string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer) =>
        "must be a string, not a number";

    protected virtual string? EncodeBoolean(bool value, TupleWriter writer) =>
        "must be a string, not true or false";

    /// <summary>Encodes a JSON string that has escapes, from what is between its quotes.</summary>
    protected virtual string? EncodeEscaped(ReadOnlySpan<byte> escaped, TupleWriter writer)
    {
        byte[]? rented = null;
        var buffer = escaped.Length <= StackBytes
            ? stackalloc byte[StackBytes]
            : rented = ArrayPool<byte>.Shared.Rent(escaped.Length);
        try
        {
            return JsonText.Unescape(escaped, buffer, out var length) ?? EncodeText(buffer[..length], writer);
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
