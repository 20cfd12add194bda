using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace Ingest.Node.Catalog;

/// <summary>
/// Encodes values of one PostgreSQL type as the field bytes of its binary COPY format (what the type's <c>recv</c>
/// function reads), and turns such bytes back into JSON. The four length bytes before a field, and NULL, are the
/// caller's business. A codec holds no state: one instance serves all threads.
/// </summary>
public abstract class FieldCodec(string name)
{
    /// <summary>The wire name, as in <see cref="Messages.ShapeColumn.Codec"/>: <c>int4</c>, <c>numeric</c>,
    /// <c>text[]</c>.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// Encodes the JSON value that the reader stands on, which is not null, and leaves the reader on its last token.
    /// </summary>
    /// <returns>
    /// null, or what is wrong with the value, in words for the caller ("is out of range for int4"). Then
    /// what was appended to <paramref name="writer"/> is the caller's to take back, and the reader stands on the
    /// value's last token all the same.
    /// </returns>
    public abstract string? EncodeJson(ref Utf8JsonReader reader, TupleWriter writer);

    /// <summary>Encodes a value from its text form, as a CSV field or a JSON string holds it.</summary>
    /// <param name="utf8">The text, not yet known to be valid UTF-8.</param>
    /// <returns>As <see cref="EncodeJson"/>.</returns>
    public abstract string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer);

    /// <summary>Encodes a typed integer: as the JSON number of that value, unless the type has a shorter way.</summary>
    /// <returns>As <see cref="EncodeJson"/>.</returns>
    public virtual string? EncodeTyped(long value, TupleWriter writer)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out var length);
        return EncodeToken(digits[..length], writer);
    }

    /// <summary>Encodes a typed floating-point number: as the JSON number of its shortest digits that mean it, or,
    /// where it is none, as the text NaN, Infinity or -Infinity.</summary>
    /// <returns>As <see cref="EncodeJson"/>.</returns>
    public virtual string? EncodeTyped(double value, TupleWriter writer)
    {
        if (!double.IsFinite(value))
            return EncodeText(
                double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8, writer);
        Span<byte> digits = stackalloc byte[32];
        value.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        return EncodeToken(digits[..length], writer);
    }

    /// <summary>Encodes a typed boolean, as in JSON.</summary>
    /// <returns>As <see cref="EncodeJson"/>.</returns>
    public string? EncodeTyped(bool value, TupleWriter writer) =>
        EncodeToken(value ? "true"u8 : "false"u8, writer);

    /// <summary>Encodes bytes that are a value in themselves, not text.</summary>
    /// <returns>As <see cref="EncodeJson"/>.</returns>
    public virtual string? EncodeBytes(ReadOnlySpan<byte> value, TupleWriter writer) => "must not be bytes";

    /// <summary>Writes the JSON value that <see cref="EncodeJson"/> encodes to the same field.</summary>
    public abstract void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json);

    private string? EncodeToken(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        var reader = new Utf8JsonReader(utf8);
        reader.Read();
        return EncodeJson(ref reader, writer);
    }
}
