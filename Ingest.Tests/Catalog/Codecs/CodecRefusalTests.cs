using System.Text;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>What callers read when a value is refused.</summary>
public sealed class CodecRefusalTests
{
    private const string NotAnInteger = "is not an integer";
    private const string NotAString = "must be a string, not a number";
    private const string LoneSurrogate = "has a surrogate escape (\\ud800 to \\udfff) without its other half";
    private const string Malformed = "is not an array in the form {1,2,NULL}";

    [Theory]
    [InlineData("int4", "1.5", NotAnInteger)]
    [InlineData("int4", "1e-1", NotAnInteger)]
    [InlineData("int4", "true", NotAnInteger)]
    [InlineData("int4", "\"1e3\"", NotAnInteger)]
    [InlineData("int4", "\"\"", NotAnInteger)]
    [InlineData("int4", "[1]", "must not be an array")]
    [InlineData("int4", "{\"a\":[{}]}", "must not be an object")]
    [InlineData("int2", "32768", "is out of range for int2")]
    [InlineData("int4", "2147483648", "is out of range for int4")]
    [InlineData("int8", "9223372036854775808", "is out of range for int8")]
    [InlineData("int8", "1e400", "is out of range for int8")]
    [InlineData("int8", "1e99999999999999999999", "is out of range for int8")]
    [InlineData("float8", "1e400", "is out of range for float8")]
    [InlineData("float8", "1e-400", "is out of range for float8")]
    [InlineData("float4", "1e39", "is out of range for float4")]
    [InlineData("float4", "\"one\"", "is not a number")]
    [InlineData("numeric", "\"1,5\"", "is not a number")]
    [InlineData("numeric", "false", "is not a number")]
    [InlineData("numeric", "1e131072", "is out of range for numeric")]
    [InlineData("numeric", "1e-16384", "is out of range for numeric")]
    [InlineData("bool", "1", "is not true or false")]
    [InlineData("bool", "\"maybe\"", "is not true or false")]
    [InlineData("text", "12", NotAString)]
    [InlineData("text", "true", "must be a string, not true or false")]
    [InlineData("text", "\"a\\u0000b\"", "holds the character U+0000, which PostgreSQL cannot keep in text")]
    [InlineData("text", "\"\\ud800\"", LoneSurrogate)]
    [InlineData("text", "\"\\udc00\\ud800\"", LoneSurrogate)]
    [InlineData("text", "\"\\ud800x\"", LoneSurrogate)]
    [InlineData("uuid", "\"0193e9e0\"", "is not a uuid")]
    [InlineData("uuid", "\"\\ud800\"", LoneSurrogate)]
    [InlineData("bytea", "\"not base64!\"", "is neither base64 nor hexadecimal behind \\x")]
    [InlineData("bytea", "\"\\\\x123\"", "is neither base64 nor hexadecimal behind \\x")]
    [InlineData("date", "20261123", NotAString)]
    [InlineData("date", "\"23.11.2026\"", "is not a valid date")]
    [InlineData("date", "\"2026-02-29\"", "is not a valid date")]
    [InlineData("date", "\"2026-11-23T10:00:00Z\"", "is not a valid date")]
    [InlineData("date", "\"5874898-01-01\"", "is out of range for date")]
    [InlineData("time", "\"10:00+01\"", "is not a valid time")]
    [InlineData("time", "\"25:00\"", "is not a valid time")]
    [InlineData("time", "\"10:00:\"", "is not a valid time")]
    [InlineData("timetz", "\"10:00+16\"", "is not a valid timetz")]
    [InlineData("timestamptz", "1763892000", NotAString)]
    [InlineData("timestamptz", "\"now\"", "is not a valid timestamptz")]
    [InlineData("timestamptz", "\"2026-11-23 10:00 CET\"", "is not a valid timestamptz")]
    [InlineData("timestamptz", "\"294277-01-01 00:00Z\"", "is out of range for timestamptz")]
    [InlineData("timestamp", "\"2026-11-23T10:00:00+01\"",
        "has an offset from UTC, which timestamp cannot keep: use timestamptz, or give none")]
    [InlineData("interval", "\"PT\"", "is not a valid interval")]
    [InlineData("interval", "\"1.5 days\"", "is not a valid interval")]
    [InlineData("interval", "\"3000000000 days\"", "is out of range for interval")]
    [InlineData("inet", "\"1.2.3\"", "is not an IP address")]
    [InlineData("cidr", "\"10.0.0.1/8\"", "has bits set to the right of its mask")]
    [InlineData("cidr", "\"10/8\"", "is not a network address")]
    [InlineData("macaddr", "\"08:00:2b:01:02\"", "is not a MAC address")]
    [InlineData("jsonb", "{\"a\\u0000\":1}", "holds the escape \\u0000, which jsonb cannot keep")]
    [InlineData("jsonb", "[\"\\ud800\"]", LoneSurrogate)]
    [InlineData("jsonb", "\"\\ud800\"", LoneSurrogate)]
    [InlineData("jsonb", "[1e131072]", "holds a number that jsonb cannot keep")]
    [InlineData("int4[]", "1", "must be an array")]
    [InlineData("int4[]", "{}", "must be an array")]
    [InlineData("int4[]", "\"1\"", Malformed)]
    [InlineData("int4[]", "\"{1,}\"", Malformed)]
    [InlineData("int4[]", "\"[0:1]={1,2}\"", Malformed)]
    [InlineData("int4[]", "[1,2,\"x\",4]", "element 3 is not an integer")]
    [InlineData("int4[]", "[[1,2],[3]]", "has nested arrays of different lengths")]
    [InlineData("int4[]", "[1,[2]]", "has nested arrays of different lengths")]
    [InlineData("int4[]", "[[1],2]", "has nested arrays of different lengths")]
    [InlineData("int4[]", "[null,[2]]", "has nested arrays of different lengths")]
    [InlineData("int4[]", "[[]]", "has an empty array in it")]
    [InlineData("int4[]", "[[[[[[[1]]]]]]]", "has more than 6 dimensions")]
    [InlineData("text[]", "[\"a\",{\"b\":[1]}]", "element 2 must not be an object")]
    public void Should_say_what_is_wrong(string type, string json, string expected)
    {
        var field = Comparison.TryEncode(FieldCodecs.ByName(type), json, out var error);

        Assert.Null(field);
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("numeric", (5 << 16 | 2) + 4, "1000", "does not fit numeric(5,2)")]
    [InlineData("numeric", (5 << 16 | 2) + 4, "999.995", "does not fit numeric(5,2)")]
    [InlineData("numeric", (3 << 16 | (-2 & 0x7FF)) + 4, "99950", "does not fit numeric(3,-2)")]
    [InlineData("numeric", (5 << 16 | 2) + 4, "\"Infinity\"", "does not fit numeric(5,2)")]
    [InlineData("varchar", 3 + 4, "\"äöüß\"", "is longer than 3 characters")]
    [InlineData("bpchar", 3 + 4, "\"😀😀😀😀\"", "is longer than 3 characters")]
    public void Should_say_what_does_not_fit_the_modifier(string type, int modifier, string json, string expected)
    {
        var codec = FieldCodecs.For(BuiltIn(type), modifier);

        Comparison.TryEncode(codec, json, out var error);

        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    [InlineData("jsonb")]
    public void Should_refuse_bytes_that_are_not_utf8(string type)
    {
        byte[] text = [(byte)'"', 0xC3, 0x28, (byte)'"'];

        var field = Comparison.TryEncodeText(FieldCodecs.ByName(type), text, out var error);

        Assert.Null(field);
        Assert.Equal("is not valid UTF-8", error);
    }

    [Theory]
    [InlineData("{\"a\":1")]
    [InlineData("")]
    [InlineData("[1] 2")]
    [InlineData("{'a':1}")]
    public void Should_refuse_text_that_is_not_json(string text)
    {
        Comparison.TryEncodeText(FieldCodecs.ByName("json"), Encoding.UTF8.GetBytes(text), out var error);

        Assert.Equal("is not valid JSON", error);
    }

    [Fact]
    public void Should_refuse_json_text_that_nests_too_deeply()
    {
        var text = new string('[', 100_000);

        Comparison.TryEncodeText(FieldCodecs.ByName("jsonb"), Encoding.UTF8.GetBytes(text), out var error);

        Assert.Equal("is nested too deeply", error);
    }

    [Fact]
    public void Should_refuse_a_label_that_the_enum_does_not_have()
    {
        var codec = FieldCodecs.For(new PgType(1, "public", "mood", 'e', null, null, -1, ["sad", "ok"], false), -1);

        Comparison.TryEncode(codec, "\"happy\"", out var error);

        Assert.Equal("is not a label of the enum mood", error);
    }

    [Fact]
    public void Should_refuse_null_in_an_array_of_a_domain_that_is_not_null()
    {
        var domain = new PgType(2, "public", "price", 'd', null, BuiltIn("numeric"), -1, default, true);
        var codec = FieldCodecs.For(new PgType(3, "public", "_price", 'b', domain, null, -1, default, false), -1);

        Comparison.TryEncode(codec, "[1,null]", out var error);

        Assert.Equal("element 2 must not be null", error);
    }

    private static PgType BuiltIn(string name) => new(1, "pg_catalog", name, 'b', null, null, -1, default, false);
}
