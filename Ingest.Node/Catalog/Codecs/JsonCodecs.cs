using System.Text.Json;
using System.Text.Unicode;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>json</c> and <c>jsonb</c>: the value's exact text, white space included; for jsonb behind a version byte, 1. A JSON
/// string in a JSON row is the string itself, while in CSV the text is JSON. What jsonb cannot keep is refused: U+0000,
/// surrogates without their pair, and numbers outside numeric. Text may nest up to <see cref="JsonText.MaxDepth"/> levels.
/// </summary>
internal sealed class JsonCodec(bool isBinary) : FieldCodec(isBinary ? "jsonb" : "json")
{
    private const byte Version = 1;
    private const string NotUtf8 = "is not valid UTF-8";

    private readonly JsonText.TokenCheck? check = isBinary ? CheckToken : null;

    public override string? EncodeJson(ref Utf8JsonReader reader, TupleWriter writer)
    {
        if (isBinary) writer.WriteByte(Version);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                var text = JsonText.TakeContainer(ref reader, check, out var error);
                writer.Write(text);
                return error ?? (Utf8.IsValid(text) ? null : NotUtf8);
            case JsonTokenType.String:
                writer.WriteByte((byte)'"');
                writer.Write(reader.ValueSpan);
                writer.WriteByte((byte)'"');
                return check?.Invoke(ref reader) ?? (Utf8.IsValid(reader.ValueSpan) ? null : NotUtf8);
            default:
                writer.Write(reader.ValueSpan);
                return check?.Invoke(ref reader);
        }
    }

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        if (!Utf8.IsValid(utf8)) return NotUtf8;
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = JsonText.MaxDepth });
        string? error = null;
        try
        {
            while (reader.Read())
            {
                if (check is not null) error ??= check(ref reader);
            }
        }
        catch (JsonException)
        {
            return reader.CurrentDepth >= JsonText.MaxDepth - 1 ? "is nested too deeply" : "is not valid JSON";
        }
        if (isBinary) writer.WriteByte(Version);
        writer.Write(utf8);
        return error;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) =>
        json.WriteRawValue(isBinary ? field[1..] : field, skipInputValidation: true);

    private static string? CheckToken(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String or JsonTokenType.PropertyName when reader.ValueIsEscaped =>
            JsonText.CheckEscapes(reader.ValueSpan),
        JsonTokenType.Number when !NumericCodec.IsInRange(reader.ValueSpan) => "holds a number that jsonb cannot keep",
        _ => null,
    };
}
