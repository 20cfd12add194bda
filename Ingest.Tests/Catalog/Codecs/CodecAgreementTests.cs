using CsCheck;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>
/// For each type: what a codec encodes for COPY is what PostgreSQL makes of the same value in an INSERT, what one of them
/// refuses the other refuses, and a decoded field encodes to itself.
/// </summary>
public sealed class CodecAgreementTests(CodecDatabase database) : IClassFixture<CodecDatabase>
{
    private const int ValuesPerCopy = 600;
    private const int Rounds = 2;

    private static readonly Dictionary<string, Gen<Value>> Scalars = new()
    {
        ["bool"] = Values.Boolean,
        ["int2"] = Values.Whole(16),
        ["int4"] = Values.Whole(32),
        ["int8"] = Values.Whole(64),
        ["float4"] = Values.Real,
        ["float8"] = Values.Real,
        ["numeric"] = Values.Numeric,
        ["numeric(5,2)"] = Values.Rounded,
        ["numeric(3,-2)"] = Values.Rounded,
        ["numeric(2,4)"] = Values.Rounded,
        ["numeric(1000,1000)"] = Values.Rounded,
        ["text"] = Values.Text,
        ["citext"] = Values.Text,
        ["name"] = Values.Text,
        ["varchar"] = Values.Text,
        ["varchar(5)"] = Values.ShortText,
        ["char(5)"] = Values.ShortText,
        ["bpchar"] = Values.ShortText,
        ["shorter_text"] = Values.ShortText,
        ["price"] = Values.Rounded,
        ["mood"] = Values.Mood,
        ["uuid"] = Values.Uuid,
        ["bytea"] = Values.Bytes,
        ["date"] = TimeValues.Date,
        ["time"] = TimeValues.Time,
        ["time(2)"] = TimeValues.Time,
        ["timetz"] = TimeValues.TimeTz,
        ["timestamp"] = TimeValues.Timestamp,
        ["timestamp(3)"] = TimeValues.Timestamp,
        ["timestamptz"] = TimeValues.TimestampTz,
        ["timestamptz(0)"] = TimeValues.TimestampTz,
        ["interval"] = TimeValues.Interval,
        ["interval(2)"] = TimeValues.Interval,
        ["inet"] = Gen.OneOf(Values.Address(isCidr: false), Values.Address(isCidr: false), Values.OddAddress),
        ["cidr"] = Values.Address(isCidr: true),
        ["macaddr"] = Values.MacAddress,
        ["json"] = NestedValues.Json,
        ["jsonb"] = NestedValues.Json,
    };

    public static TheoryData<string> ScalarTypes => [.. Scalars.Keys];

    [Theory]
    [MemberData(nameof(ScalarTypes))]
    public Task Should_write_what_an_insert_writes(string type) => CheckAsync(type, Scalars[type], ValuesPerCopy);

    [Theory]
    [MemberData(nameof(ScalarTypes))]
    public Task Should_write_arrays_as_an_insert_does(string type) =>
        CheckAsync($"{type}[]", NestedValues.ArrayOf(Scalars[type], isFlat: type is "json" or "jsonb"), ValuesPerCopy / 3);

    [Theory]
    [MemberData(nameof(ScalarTypes))]
    public Task Should_read_text_as_an_insert_does(string type) =>
        CheckAsync(type, Scalars[type], ValuesPerCopy / 2, fromText: true);

    [Fact]
    public Task Should_read_the_text_of_arrays_as_an_insert_does() =>
        CheckAsync("text[]", NestedValues.ArrayText, ValuesPerCopy, fromText: true);

    [Theory]
    [InlineData("json")]
    [InlineData("jsonb")]
    public Task Should_refuse_the_broken_json_that_an_insert_refuses(string type) =>
        CheckAsync(type, NestedValues.BrokenJson, ValuesPerCopy, fromText: true);

    private Task CheckAsync(string type, Gen<Value> values, int count, bool fromText = false) => values.Array[count].SampleAsync(
        generated => Comparison.MustAgreeAsync(database, type, generated, fromText), iter: Rounds, threads: 1,
        print: _ => "see the differences below");
}
