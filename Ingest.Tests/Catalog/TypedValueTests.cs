using System.Text;
using Google.Protobuf;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Tests.Http;
using ApiRecord = Ingest.Messages.Api.V1.Record;

namespace Ingest.Tests.Catalog;

/// <summary>Typed values, as the generated classes write them, against the JSON that means the same.</summary>
public sealed class TypedValueTests
{
    private const string Id = "018f3b1e-0000-7000-8000-000000000001";

    private static readonly TableDescriptor Clicks = TestTables.Clicks();

    [Theory]
    [InlineData("user_id", """{"intValue":"-9223372036854775808"}""", "-9223372036854775808")]
    [InlineData("user_id", """{"floatValue":1e3}""", "1000")]
    [InlineData("user_id", """{"textValue":"42"}""", "42")]
    [InlineData("user_id", """{"nullValue":"NULL_VALUE"}""", "null")]
    [InlineData("user_id", """{"jsonValue":"bnVsbA=="}""", "null")]
    [InlineData("user_id", """{"jsonValue":"NDI="}""", "42")]
    [InlineData("amount", """{"floatValue":0.1}""", "0.1")]
    [InlineData("amount", """{"floatValue":"NaN"}""", "\"NaN\"")]
    [InlineData("amount", """{"floatValue":"-Infinity"}""", "\"-Infinity\"")]
    [InlineData("amount", """{"intValue":"3"}""", "3")]
    [InlineData("url", """{"textValue":""}""", "\"\"")]
    [InlineData("at", """{"textValue":"2026-01-02T03:04:05Z"}""", "\"2026-01-02T03:04:05Z\"")]
    public void Should_encode_a_typed_value_as_the_json_that_means_the_same(string column, string value, string json)
    {
        var url = column == "url" ? "" : "\"url\":\"u\",";
        var values = RowOf(column, JsonParser.Default.Parse<Value>(value));

        var expected = Encode((encoder, block, errors) => encoder.EncodeJson(
            Encoding.UTF8.GetBytes($$"""{"id":"{{Id}}",{{url}}"{{column}}":{{json}}}"""), block, errors));

        Assert.Equal(expected, Encode((encoder, block, errors) =>
            encoder.EncodeValues(values.ToByteArray(), block, errors)));
        Assert.Equal(expected, Encode((encoder, block, errors) =>
        {
            var (header, record) = RecordOf(values);
            return encoder.EncodeRecord(record.ToByteArray(), header, block, errors);
        }));
    }

    [Theory]
    [InlineData("user_id", """{"floatValue":1.5}""", "is not an integer")]
    [InlineData("user_id", """{"boolValue":true}""", "is not an integer")]
    [InlineData("user_id", """{"bytesValue":"AAA="}""", "must not be bytes")]
    [InlineData("user_id", """{"jsonValue":"NDIgNA=="}""", "is not valid JSON")]
    [InlineData("user_id", """{"jsonValue":""}""", "is not valid JSON")]
    [InlineData("url", """{"intValue":"1"}""", "must be a string, not a number")]
    [InlineData("url", """{"nullValue":"NULL_VALUE"}""", "must not be null")]
    [InlineData("id", """{"bytesValue":"AAA="}""", "is not a uuid")]
    [InlineData("colour", """{"intValue":"1"}""", "unknown column")]
    public void Should_say_what_is_wrong_with_a_typed_value(string column, string value, string message)
    {
        var values = RowOf(column, JsonParser.Default.Parse<Value>(value));
        var errors = new RowErrors();

        var result = new RowEncoder(Clicks).EncodeValues(values.ToByteArray(), new RowBlock(), errors);

        Assert.Equal(EncodeResult.Invalid, result);
        var error = Assert.Single(errors.Columns);
        Assert.Equal(column, error.Column);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_take_a_value_without_a_kind_for_a_column_that_is_left_out()
    {
        var values = RowOf("amount", new Value());
        var without = RowOf("url", new Value { TextValue = "u" });

        Assert.Equal(Values(without), Values(values));

        static string Values(Values row) => Encode((encoder, block, errors) =>
            encoder.EncodeValues(row.ToByteArray(), block, errors));
    }

    [Fact]
    public void Should_refuse_a_column_that_is_given_twice_and_a_kind_that_is_not_known()
    {
        var entry = RowOf("user_id", new Value { IntValue = 1 }).ToByteArray();
        byte[] unknownKind = [0x0A, 0x0A, 0x0A, 0x03, .. "url"u8, 0x12, 0x03, 0x98, 0x06, 0x01];

        Assert.Contains("given more than once", Encode((e, block, errors) =>
            e.EncodeValues([.. entry, .. entry], block, errors)), StringComparison.Ordinal);
        Assert.Contains("does not know", Encode((e, block, errors) =>
            e.EncodeValues(unknownKind, block, errors)), StringComparison.Ordinal);
    }

    private static Values RowOf(string column, Value value)
    {
        var values = new Values();
        values.Columns["id"] = new Value { TextValue = Id };
        values.Columns["url"] = new Value { TextValue = "u" };
        values.Columns[column] = value;
        return values;
    }

    private static (RowHeader Header, ApiRecord Record) RecordOf(Values values)
    {
        var record = new ApiRecord();
        record.Values.AddRange(values.Columns.Values);
        return (RowHeader.Of(Clicks, values.Columns.Keys, new RowErrors())!, record);
    }

    /// <summary>The tuple in hexadecimal; or the errors.</summary>
    private static string Encode(Func<RowEncoder, RowBlock, RowErrors, EncodeResult> encode)
    {
        var (block, errors) = (new RowBlock(), new RowErrors());
        return encode(new RowEncoder(Clicks), block, errors) == EncodeResult.Encoded
            ? Convert.ToHexString(block.Tuple(0))
            : string.Join("; ", errors.Columns);
    }
}
