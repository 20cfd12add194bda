using System.Text;
using System.Text.Json;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>The types that most rows are made of are encoded without a single allocation.</summary>
public sealed class CodecAllocationTests
{
    private const int Values = 1_000;

    [Theory]
    [InlineData("int8", "1234567890123")]
    [InlineData("int8", "1.5e3")]
    [InlineData("int4", "\"17\"")]
    [InlineData("bool", "true")]
    [InlineData("float8", "3.14159265358979")]
    [InlineData("float4", "-1.5e-10")]
    [InlineData("numeric", "12345678901234567890.123456789")]
    [InlineData("text", "\"grüße\"")]
    [InlineData("text", "\"a\\n\\u00e9\\ud83d\\ude00\"")]
    [InlineData("uuid", "\"0193e9e0-7c1f-7000-8000-0123456789ab\"")]
    [InlineData("timestamptz", "\"2026-11-23T10:00:00.123456Z\"")]
    [InlineData("timestamp", "\"2026-11-23 10:00:00\"")]
    [InlineData("date", "\"2026-11-23\"")]
    [InlineData("interval", "\"P1DT2H\"")]
    [InlineData("bytea", "\"3q2+7w==\"")]
    [InlineData("jsonb", "{\"a\":[1,2.5,\"x\\n\"]}")]
    [InlineData("int4[]", "[[1,2],[3,null]]")]
    public void Should_encode_without_allocating(string type, string json)
    {
        var codec = FieldCodecs.ByName(type);
        var utf8 = Encoding.UTF8.GetBytes(json);
        var writer = new TupleWriter();
        Encode(codec, utf8, writer);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Encode(codec, utf8, writer);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
    }

    private static void Encode(FieldCodec codec, byte[] utf8, TupleWriter writer)
    {
        for (var value = 0; value < Values; value++)
        {
            writer.Truncate(0);
            var reader = new Utf8JsonReader(utf8);
            reader.Read();
            if (codec.EncodeJson(ref reader, writer) is { } error) throw new InvalidOperationException(error);
        }
    }
}
