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

    /// <summary>Writes the JSON value that <see cref="EncodeJson"/> encodes to the same field.</summary>
    public abstract void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json);
}
