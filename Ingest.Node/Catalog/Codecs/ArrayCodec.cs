using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Arrays of any codec's type. In JSON an array, nested for more dimensions, with null for NULL; elements of json and
/// jsonb may be arrays themselves, so a JSON array of those has one dimension. As text, or in a JSON string,
/// PostgreSQL's <c>{1,2,NULL,"a b"}</c>, without explicit bounds. An array that is empty must be the outermost.
/// </summary>
/// <param name="elementOid">The elements' type; 0 for a codec that only decodes.</param>
/// <param name="refusesNull">The elements' type is a domain that is NOT NULL.</param>
internal sealed class ArrayCodec(FieldCodec element, uint elementOid, bool refusesNull)
    : ScalarCodec(element.Name + "[]")
{
    private const string NotAnArray = "must be an array";
    private const string Malformed = "is not an array in the form {1,2,NULL}";

    private readonly bool nests = element is not JsonCodec;

    public FieldCodec Element => element;

    /// <summary>True where NULL may be an element.</summary>
    public bool TakesNull => !refusesNull;

    public override string? EncodeJson(ref Utf8JsonReader reader, TupleWriter writer)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            reader.Skip();
            return NotAnArray;
        }
        if (reader.TokenType != JsonTokenType.StartArray) return base.EncodeJson(ref reader, writer);
        var depth = reader.CurrentDepth;
        var builder = new ArrayBuilder(writer, elementOid);
        var error = builder.Open();
        while (error is null && builder.IsOpen && reader.Read()) error = EncodeToken(ref reader, ref builder, writer);
        while (reader.TokenType != JsonTokenType.EndArray || reader.CurrentDepth > depth) reader.Read();
        if (error is null) builder.Finish();
        return error;
    }

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        utf8 = utf8[Ascii.Trim(utf8)];
        if (!utf8.StartsWith("{"u8)) return Malformed;
        var scratch = ArrayPool<byte>.Shared.Rent(utf8.Length);
        try
        {
            return EncodeLiteral(new ArrayLiteral(utf8, scratch), writer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var dimensions = BinaryPrimitives.ReadInt32BigEndian(field);
        var lengths = field[12..];
        var elements = lengths[(dimensions * 8)..];
        if (dimensions > 0)
        {
            WriteDimension(lengths, dimensions, ref elements, json);
            return;
        }
        json.WriteStartArray();
        json.WriteEndArray();
    }

    protected override string? EncodeNumber(ReadOnlySpan<byte> utf8, TupleWriter writer) => NotAnArray;

    protected override string? EncodeBoolean(bool value, TupleWriter writer) => NotAnArray;

    private string? EncodeToken(ref Utf8JsonReader reader, ref ArrayBuilder builder, TupleWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.EndArray:
                return builder.Close();
            case JsonTokenType.StartArray when nests:
                return builder.Open();
            case JsonTokenType.Null:
                return AddNull(ref builder);
            default:
                if (builder.BeginElement() is { } ragged) return ragged;
                if (element.EncodeJson(ref reader, writer) is { } error) return AtElement(builder.Elements, error);
                builder.EndElement();
                return null;
        }
    }

    private string? EncodeLiteral(ArrayLiteral literal, TupleWriter writer)
    {
        var builder = new ArrayBuilder(writer, elementOid);
        do
        {
            var error = literal.Next(out var value) switch
            {
                ArrayLiteral.Token.Open => builder.Open(),
                ArrayLiteral.Token.Close => builder.Close(),
                ArrayLiteral.Token.Null => AddNull(ref builder),
                ArrayLiteral.Token.Element => AddText(value, ref builder, writer),
                _ => Malformed,
            };
            if (error is not null) return error;
        }
        while (builder.IsOpen);
        if (!literal.AtEnd) return Malformed;
        builder.Finish();
        return null;
    }

    private string? AddText(ReadOnlySpan<byte> value, ref ArrayBuilder builder, TupleWriter writer)
    {
        if (builder.BeginElement() is { } ragged) return ragged;
        if (element.EncodeText(value, writer) is { } error) return AtElement(builder.Elements, error);
        builder.EndElement();
        return null;
    }

    private string? AddNull(ref ArrayBuilder builder)
    {
        if (builder.BeginElement() is { } ragged) return ragged;
        if (refusesNull) return AtElement(builder.Elements, "must not be null");
        builder.EndNull();
        return null;
    }

    private static string AtElement(int number, string error) => $"element {number} {error}";

    private void WriteDimension(
        ReadOnlySpan<byte> lengths, int left, ref ReadOnlySpan<byte> elements, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        for (var count = BinaryPrimitives.ReadInt32BigEndian(lengths); count > 0; count--)
        {
            if (left > 1)
            {
                WriteDimension(lengths[8..], left - 1, ref elements, json);
                continue;
            }
            var length = BinaryPrimitives.ReadInt32BigEndian(elements);
            elements = elements[sizeof(int)..];
            if (length < 0)
            {
                json.WriteNullValue();
                continue;
            }
            element.WriteJson(elements[..length], json);
            elements = elements[length..];
        }
        json.WriteEndArray();
    }
}
