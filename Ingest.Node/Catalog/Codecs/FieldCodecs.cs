using System.Collections.Frozen;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Finds the codec of a PostgreSQL type. What a codec takes, for all types alike: a JSON string is read as the same text in
/// CSV would be, mostly as PostgreSQL's own input reads it; JSON numbers, booleans and arrays are taken where natural.
/// </summary>
public static class FieldCodecs
{
    private static readonly InputCodec Input = new();

    private static readonly FrozenDictionary<string, FieldCodec> Known =
        new FieldCodec[] { Input, new TextCodec("text") }.ToFrozenDictionary(codec => codec.Name);

    /// <summary>The codec for a column of this type.</summary>
    /// <param name="type">The column's type. A domain has the codec of its base.</param>
    /// <param name="modifier"><c>atttypmod</c>; -1 for none. For an array it is that of the elements.</param>
    /// <returns>
    /// The codec; never fails. A type without a codec of its own gets <c>input</c>: the value's text, which the
    /// writer sends through a staging table's text column and a cast.
    /// </returns>
    public static FieldCodec For(PgType type, int modifier) =>
        type is { Schema: "pg_catalog", Name: "text" } ? Known["text"] : Input;

    /// <summary>
    /// The codec that decodes fields of this wire name, for rows that outlived a change of their table. It does not know
    /// the type's modifier, an enum's labels or the oid of an array's elements, so it is not made for encoding.
    /// </summary>
    /// <exception cref="ArgumentException">No codec has this name.</exception>
    public static FieldCodec ByName(string wireName) =>
        Known.TryGetValue(wireName, out var codec)
            ? codec
            : throw new ArgumentException($"No codec is called '{wireName}'.", nameof(wireName));

    /// <summary>True where PostgreSQL must read the fields through the type's text input, which needs staging.</summary>
    public static bool IsInput(FieldCodec codec) => codec is InputCodec;
}
