using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json.Nodes;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary>
/// The JSON Schema (2020-12) of a column's values, and a value that PostgreSQL takes. The form is the natural one in
/// JSON; that most types are also read from a string is said in the document's description, not in each schema.
/// </summary>
/// <param name="Schema">The schema's members, for a value that is not null.</param>
/// <param name="Example">A value in that form; null where none can be known.</param>
internal sealed record ValueForm(JsonObject Schema, JsonNode? Example)
{
    // Above this, a bound would not survive being read as a double.
    private const int MostBoundedDigits = 15;

    private static readonly FrozenDictionary<string, Func<ValueForm>> Plain =
        new Dictionary<string, Func<ValueForm>>
        {
            ["bool"] = () => new(Typed("boolean"), true),
            ["int2"] = () => Integer("int16", short.MinValue, short.MaxValue),
            ["int4"] = () => Integer("int32", int.MinValue, int.MaxValue),
            ["int8"] = () => Integer("int64", long.MinValue, long.MaxValue),
            ["float4"] = () => new(Typed("number", "float"), 1.5),
            ["float8"] = () => new(Typed("number", "double"), 1.5),
            ["uuid"] = () => Text("uuid", "0190163d-8694-739b-aea5-966c26f8ad90"),
            ["bytea"] = () => new(new JsonObject { ["type"] = "string", ["contentEncoding"] = "base64" }, "AP8="),
            ["json"] = () => new([], new JsonObject { ["any"] = "JSON" }),
            ["jsonb"] = () => new([], new JsonObject { ["any"] = "JSON" }),
            ["date"] = () => Text("date", "2026-11-23"),
            ["time"] = () => Text("time-local", "10:00:00"),
            ["timetz"] = () => Text("time", "10:00:00+01:00"),
            ["timestamp"] = () => Text("date-time-local", "2026-11-23T10:00:00"),
            ["timestamptz"] = () => Text("date-time", "2026-11-23T10:00:00Z"),
            ["interval"] = () => Text("duration", "P1DT2H"),
            ["inet"] = () => new(Typed("string"), "10.0.0.1"),
            ["cidr"] = () => new(Typed("string"), "10.0.0.0/8"),
            ["macaddr"] = () => new(Typed("string"), "08:00:2b:01:02:03"),
        }.ToFrozenDictionary();

    /// <summary>Texts that the input functions of PostgreSQL's other types read, by the types' names.</summary>
    private static readonly FrozenDictionary<string, string> InputTexts = new Dictionary<string, string>
    {
        ["point"] = "(1,2)", ["line"] = "{1,2,3}", ["lseg"] = "[(1,2),(3,4)]", ["box"] = "(3,4),(1,2)",
        ["path"] = "[(1,2),(3,4)]", ["polygon"] = "((1,2),(3,4),(5,6))", ["circle"] = "<(1,2),3>",
        ["tsvector"] = "'cat' 'fat'", ["tsquery"] = "'cat' & 'fat'", ["money"] = "12.34", ["xml"] = "<a/>",
        ["bit"] = "1", ["bit varying"] = "101", ["macaddr8"] = "08:00:2b:01:02:03:04:05", ["pg_lsn"] = "16/B374D848",
        ["oid"] = "1", ["int4range"] = "[1,5)", ["int8range"] = "[1,5)", ["numrange"] = "[1,5)",
        ["daterange"] = "[2026-11-23,2026-11-24)", ["tsrange"] = "[2026-11-23,2026-11-24)",
        ["tstzrange"] = "[2026-11-23,2026-11-24)", ["int4multirange"] = "{[1,5)}", ["hstore"] = "a=>1",
        ["ltree"] = "a.b", ["jsonpath"] = "$.a",
    }.ToFrozenDictionary();

    /// <summary>The form of a column's values.</summary>
    public static ValueForm Of(Column column) => Of(column.Codec, column.TypeName);

    private static ValueForm Of(FieldCodec codec, string typeName) => codec switch
    {
        ArrayCodec array => ArrayOf(array, typeName),
        EnumCodec labels => OneOf([.. labels.Labels]),
        InputCodec => Input(typeName),
        TextCodec text => Text(text),
        NumericCodec numeric => Numeric(numeric),
        _ => Plain[codec.Name](),
    };

    private static JsonObject Typed(string type) => new() { ["type"] = type };

    private static JsonObject Typed(string type, string format) => new() { ["type"] = type, ["format"] = format };

    private static ValueForm Text(string format, string example) => new(Typed("string", format), example);

    private static ValueForm Integer(string format, long least, long most)
    {
        var schema = Typed("integer", format);
        schema["minimum"] = least;
        schema["maximum"] = most;
        return new ValueForm(schema, 7);
    }

    private static ValueForm Text(TextCodec codec)
    {
        const string example = "text";
        var schema = Typed("string");
        if (codec.Limit == 0) return new ValueForm(schema, example);
        schema["maxLength"] = codec.Limit;
        return new ValueForm(schema, example[..Math.Min(example.Length, codec.Limit)]);
    }

    private static ValueForm Numeric(NumericCodec codec)
    {
        var schema = Typed("number");
        if (codec.Precision == 0) return new ValueForm(schema, 1.5);
        if (codec.Precision <= MostBoundedDigits && Math.Abs(codec.Scale) <= MostBoundedDigits)
        {
            var most = (Power(codec.Precision) - 1) * (codec.Scale < 0 ? Power(-codec.Scale) : 1 / Power(codec.Scale));
            schema["minimum"] = -most;
            schema["maximum"] = most;
        }

        // Zero fits every numeric(p,s), also those for fractions only.
        return new ValueForm(schema, codec.Precision > codec.Scale ? 1 : 0);

        static decimal Power(int exponent) => (decimal)Math.Pow(10, exponent);
    }

    private static ValueForm OneOf(string[] labels)
    {
        if (labels.Length == 0) return new ValueForm(Typed("string"), null);
        var schema = Typed("string");
        schema["enum"] = new JsonArray([.. labels.Select(label => (JsonNode)label)]);
        return new ValueForm(schema, labels[0]);
    }

    private static ValueForm ArrayOf(ArrayCodec codec, string typeName)
    {
        var element = Of(codec.Element, typeName.EndsWith("[]", StringComparison.Ordinal) ? typeName[..^2] : typeName);
        if (codec.TakesNull) AllowNull(element.Schema);
        var schema = Typed("array");
        schema["items"] = element.Schema;
        return new ValueForm(schema, element.Example is null ? new JsonArray() : new JsonArray(element.Example));
    }

    private static ValueForm Input(string typeName)
    {
        var bare = typeName.Split('(', 2)[0];
        var example = InputTexts.GetValueOrDefault(bare[(bare.LastIndexOf('.') + 1)..]);
        if (bare == "bit" && typeName.Length > bare.Length) example = Bits(typeName);
        return new ValueForm(
            new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") }, example);
    }

    /// <summary>As many bits as <c>bit(n)</c> demands.</summary>
    private static string Bits(string typeName) =>
        new('1', int.Parse(typeName.AsSpan("bit(".Length).TrimEnd(')'), CultureInfo.InvariantCulture));

    /// <summary>Widens a schema by null.</summary>
    public static void AllowNull(JsonObject schema)
    {
        // Without a type a schema takes null already.
        if (schema["type"] is not { } type) return;
        if (type is JsonArray types) types.Add("null");
        else schema["type"] = new JsonArray(type.GetValue<string>(), "null");
        if (schema["enum"] is JsonArray values) values.Add((JsonNode?)null);
    }
}
