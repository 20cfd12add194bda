using System.Collections.Frozen;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Finds the codec of a PostgreSQL type. What a codec takes, for all types alike: a JSON string is read as the same
/// text in CSV would be, mostly as PostgreSQL's own input reads it; JSON numbers, booleans and arrays are taken where
/// natural.
/// </summary>
public static class FieldCodecs
{
    private const string SystemSchema = "pg_catalog";

    // What a modifier is ahead of the n in varchar(n) and char(n).
    private const int ModifierOffset = 4;

    private static readonly InputCodec Input = new();

    /// <summary>The codecs of the types in pg_catalog, without modifiers, by the types' names.</summary>
    private static readonly FrozenDictionary<string, FieldCodec> BuiltIn = new FieldCodec[]
    {
        new BooleanCodec(), new IntegerCodec("int2", 2), new IntegerCodec("int4", 4), new IntegerCodec("int8", 8),
        new Float4Codec(), new Float8Codec(), new NumericCodec(-1),
        new TextCodec("text"), new TextCodec("varchar"), new TextCodec("bpchar"), new NameCodec(),
        new UuidCodec(), new ByteaCodec(), new JsonCodec(isBinary: false), new JsonCodec(isBinary: true),
        new DateCodec(), new TimeCodec(), new TimeTzCodec(), new IntervalCodec(),
        new TimestampCodec(hasZone: false), new TimestampCodec(hasZone: true),
        new InetCodec(isCidr: false), new InetCodec(isCidr: true), new MacAddressCodec(),
    }.ToFrozenDictionary(codec => codec.Name);

    private static readonly TextCodec Citext = new("citext");

    private static readonly FrozenDictionary<string, FieldCodec> Named = WithArrays(
        [.. BuiltIn.Values, Citext, new EnumCodec("", [])]);

    /// <summary>The codec for a column of this type.</summary>
    /// <param name="type">The column's type. A domain has the codec of its base.</param>
    /// <param name="modifier"><c>atttypmod</c>; -1 for none. For an array it is that of the elements.</param>
    /// <returns>
    /// The codec; never fails. A type without a codec of its own gets <c>input</c>: the value's text, which the
    /// writer sends through a staging table's text column and a cast.
    /// </returns>
    public static FieldCodec For(PgType type, int modifier)
    {
        if (type is { Kind: 'd', Base: { } below }) return For(below, type.BaseModifier);
        if (type.Kind == 'e') return new EnumCodec(type.Name, type.EnumLabels.IsDefault ? [] : type.EnumLabels);
        if (type.Kind != 'b') return Input;
        if (type.Element is { } element && IsArray(type)) return ForArray(element, modifier);
        // An extension's type can be in any schema.
        if (type.Name == Citext.Name) return Citext;
        return type.Schema == SystemSchema ? ForBuiltIn(type.Name, modifier) : Input;
    }

    /// <summary>
    /// The codec that decodes fields of this wire name, for rows that outlived a change of their table. It does not
    /// know the type's modifier, an enum's labels or the oid of an array's elements, so it is not made for encoding.
    /// </summary>
    /// <exception cref="ArgumentException">No codec has this name.</exception>
    public static FieldCodec ByName(string wireName) =>
        Named.TryGetValue(wireName, out var codec)
            ? codec
            : throw new ArgumentException($"No codec is called '{wireName}'.", nameof(wireName));

    /// <summary>
    /// True where PostgreSQL must read the fields through the type's text input, which needs staging.
    /// </summary>
    public static bool IsInput(FieldCodec codec) => codec is InputCodec;

    /// <summary>
    /// Some fixed types of PostgreSQL's own, such as point and oidvector, name an element but are no arrays.
    /// </summary>
    private static bool IsArray(PgType type) => type.Schema != SystemSchema || type.Name.StartsWith('_');

    private static FieldCodec ForArray(PgType element, int modifier)
    {
        var codec = For(element, modifier);
        // Arrays of a domain over arrays would not be told apart from arrays of more dimensions.
        if (codec is InputCodec or ArrayCodec) return Input;
        return new ArrayCodec(codec, element.Oid, RefusesNull(element));
    }

    private static bool RefusesNull(PgType type) => type.IsNotNull || (type.Base is { } below && RefusesNull(below));

    private static FieldCodec ForBuiltIn(string name, int modifier) => (name, modifier) switch
    {
        ("numeric", >= ModifierOffset) => new NumericCodec(modifier),
        ("varchar" or "bpchar", > ModifierOffset) => new TextCodec(name, modifier - ModifierOffset),
        _ => BuiltIn.GetValueOrDefault(name, Input),
    };

    private static FrozenDictionary<string, FieldCodec> WithArrays(IReadOnlyList<FieldCodec> elements) => elements
        .Concat(elements.Select(element => new ArrayCodec(element, 0, refusesNull: false)))
        .Append(Input)
        .ToFrozenDictionary(codec => codec.Name);
}
