using Ingest.Node.Catalog.Codecs;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>Which type gets which codec.</summary>
public sealed class FieldCodecsTests(CodecDatabase database) : IClassFixture<CodecDatabase>
{
    [Theory]
    [InlineData("int", "int4")]
    [InlineData("character varying(20)[]", "varchar[]")]
    [InlineData("char(3)", "bpchar")]
    [InlineData("citext", "citext")]
    [InlineData("mood", "enum")]
    [InlineData("mood[]", "enum[]")]
    [InlineData("shorter_text", "varchar")]
    [InlineData("price[]", "numeric[]")]
    [InlineData("int_list", "int4[]")]
    [InlineData("int_list[]", "input")]
    [InlineData("pair", "input")]
    [InlineData("point", "input")]
    [InlineData("oidvector", "input")]
    [InlineData("bit varying(5)", "input")]
    [InlineData("xml[]", "input")]
    [InlineData("tstzrange", "input")]
    [InlineData("int4multirange", "input")]
    [InlineData("\"char\"", "input")]
    public async Task Should_choose_by_the_type_in_the_catalog(string declaration, string name)
    {
        await using var connection = await database.ConnectAsync();
        var (type, modifier) = await database.DescribeAsync(connection, declaration);

        var codec = FieldCodecs.For(type, modifier);

        Assert.Equal(name, codec.Name);
        Assert.Equal(name, FieldCodecs.ByName(name).Name);
        Assert.Equal(name == "input", FieldCodecs.IsInput(codec));
    }

    [Theory]
    [InlineData("\"(1,2)\"", "(1,2)")]
    [InlineData("1.50", "1.50")]
    [InlineData("true", "true")]
    public void Should_pass_on_the_text_of_a_type_without_a_codec(string json, string text)
    {
        var field = Comparison.TryEncode(FieldCodecs.ByName("input"), json, out _);

        Assert.Equal(text, System.Text.Encoding.UTF8.GetString(field!));
    }

    [Fact]
    public void Should_fail_on_a_wire_name_that_nobody_gave() =>
        Assert.Throws<ArgumentException>(() => FieldCodecs.ByName("int3"));

    [Fact]
    public void Should_keep_the_exact_text_of_json()
    {
        const string json = """{ "b" : 1.0 ,"a":[ ] }""";

        var field = Comparison.TryEncode(FieldCodecs.ByName("json"), json, out _);

        Assert.Equal(json, System.Text.Encoding.UTF8.GetString(field!));
    }

    [Theory]
    [InlineData("timestamptz", "\"2026-11-23 11:00:00.50+01\"", "\"2026-11-23T10:00:00.5Z\"")]
    [InlineData("timestamptz", "\"0044-03-15 12:00:00+00 BC\"", "\"0044-03-15T12:00:00Z BC\"")]
    [InlineData("timestamp", "\"2026-11-23\"", "\"2026-11-23T00:00:00\"")]
    [InlineData("interval", "\"1 year 2 mons -3 days 04:05:06.7\"", "\"P1Y2M-3DT4H5M6.7S\"")]
    [InlineData("interval", "\"0 s\"", "\"PT0S\"")]
    [InlineData("numeric", "1.50e3", "1500")]
    [InlineData("numeric", "-0.050", "-0.050")]
    [InlineData("numeric", "\"nan\"", "\"NaN\"")]
    [InlineData("float8", "1e3", "1000")]
    [InlineData("bytea", "\"\\\\xdeadbeef\"", "\"3q2+7w==\"")]
    [InlineData("int4[]", "\"{{1,NULL},{3,4}}\"", "[[1,null],[3,4]]")]
    [InlineData("inet", "\"10.0.0.1/32\"", "\"10.0.0.1\"")]
    [InlineData("macaddr", "\"08002B010203\"", "\"08:00:2b:01:02:03\"")]
    public void Should_decode_to_natural_json(string type, string json, string expected)
    {
        var codec = FieldCodecs.ByName(type);

        var field = Comparison.TryEncode(codec, json, out _);

        Assert.Equal(expected, Comparison.Decode(codec, field!).Replace("\\u002B", "+", StringComparison.Ordinal));
    }
}
