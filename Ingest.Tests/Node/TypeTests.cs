namespace Ingest.Tests.Node;

/// <summary>Each type once through JSON and CSV, read back as PostgreSQL prints it.</summary>
public sealed class TypeTests(TypeTests.Fixture fixture) : IClassFixture<TypeTests.Fixture>
{
    /// <summary>A column's type, a value as JSON, the same as text, and what PostgreSQL makes of it.</summary>
    private static readonly (string Type, string Json, string Text, string Printed)[] Cases =
    [
        ("bool", "true", "t", "true"),
        ("int2", "-32768", "-32768", "-32768"),
        ("int4", "2147483647", "2147483647", "2147483647"),
        ("int8", "9223372036854775807", "9223372036854775807", "9223372036854775807"),
        ("float4", "1.5", "1.5", "1.5"),
        ("float8", "-1e300", "-1e300", "-1e+300"),
        ("numeric", "12345678901234567890.0123456789", "12345678901234567890.0123456789",
            "12345678901234567890.0123456789"),
        ("numeric(6,2)", "1234.5", "1234.50", "1234.50"),
        ("text", "\"ünï \\\"q\\\"\\n\\\\N, 日本\"", "ünï \"q\"\n\\N, 日本", "ünï \"q\"\n\\N, 日本"),
        ("varchar(5)", "\"abcde\"", "abcde", "abcde"),
        ("char(5)", "\"ab\"", "ab", "ab"),
        ("citext", "\"MiXed\"", "MiXed", "MiXed"),
        ("uuid", "\"0190163d-8694-739b-aea5-966c26f8ad90\"", "0190163d-8694-739b-aea5-966c26f8ad90",
            "0190163d-8694-739b-aea5-966c26f8ad90"),
        ("date", "\"2024-02-29\"", "2024-02-29", "2024-02-29"),
        ("time", "\"23:59:59.999999\"", "23:59:59.999999", "23:59:59.999999"),
        ("timetz", "\"12:00:00+02\"", "12:00:00+02", "12:00:00+02"),
        ("timestamp", "\"2024-01-02T03:04:05.678901\"", "2024-01-02 03:04:05.678901", "2024-01-02 03:04:05.678901"),
        ("timestamptz", "\"2024-01-02T03:04:05+02:00\"", "2024-01-02 03:04:05+02", "2024-01-02 01:04:05+00"),
        ("interval", "\"1 year 2 days 03:04:05\"", "1 year 2 days 03:04:05", "1 year 2 days 03:04:05"),
        ("json", """{"a": [1, null]}""", """{"a": [1, null]}""", """{"a": [1, null]}"""),
        ("jsonb", """{"a": [1, null]}""", """{"a":[1,null]}""", """{"a": [1, null]}"""),
        ("bytea", "\"AP8=\"", "\\x00ff", "\\x00ff"),
        ("inet", "\"10.0.0.1/8\"", "10.0.0.1/8", "10.0.0.1/8"),
        ("cidr", "\"2001:db8::/32\"", "2001:db8::/32", "2001:db8::/32"),
        ("macaddr", "\"08:00:2b:01:02:03\"", "08-00-2b-01-02-03", "08:00:2b:01:02:03"),
        ("mood", "\"so so\"", "so so", "so so"),
        ("positive", "5", "5", "5"),
        ("int4[]", "[1,null,3]", "{1,NULL,3}", "{1,NULL,3}"),
        ("int4[]", "[[1,2],[3,4]]", "{{1,2},{3,4}}", "{{1,2},{3,4}}"),
        ("text[]", "[\"a,b\",\"c\\\"d\",\"\"]", "{\"a,b\",\"c\\\"d\",\"\"}", "{\"a,b\",\"c\\\"d\",\"\"}"),
        ("mood[]", "[\"so so\"]", "{\"so so\"}", "{\"so so\"}"),
        // Types without an encoding of their own go as text, by way of a staging table.
        ("point", "\"(1,2)\"", "(1,2)", "(1,2)"),
        ("tsvector", "\"a fat cat\"", "a fat cat", "'a' 'cat' 'fat'"),
        ("int4range", "\"[1,5)\"", "[1,5)", "[1,5)"),
    ];

    public static TheoryData<int> Numbers => new(Enumerable.Range(0, Cases.Length));

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Should_write_the_value_that_was_given(int number)
    {
        var (type, json, text, printed) = Cases[number];

        var one = await fixture.Node.PostAsync($"t{number}", $$"""{"id":1,"v":{{json}}}""");
        var csv = await fixture.Node.PostAsync(
            $"t{number}", $"id,v\n2,\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n", "text/csv");

        Assert.True(one.Status == 201, $"{type} as JSON: {one}");
        Assert.True(csv.Lines[^1].GetProperty("committed").GetInt32() == 1, $"{type} as CSV: {csv}");
        Assert.Equal((printed, printed), (await ReadAsync(1), await ReadAsync(2)));

        Task<string> ReadAsync(int id) => fixture.Database.ScalarAsync<string>(
            $"SET TIME ZONE 'UTC'; SELECT v::text FROM t{number} WHERE id = {id}");
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Should_write_null_and_tell_an_array_of_rows_each_ones_verdict(int number)
    {
        var answer = await fixture.Node.PostAsync($"t{number}", """[{"id":3,"v":null},{"id":4}]""");

        Assert.Equal(200, answer.Status);
        Assert.Equal([201, 201], answer.Json.EnumerateArray()
            .Where(line => line.TryGetProperty("status", out _)).Select(line => line.GetProperty("status").GetInt32()));
        Assert.Equal(2L, await fixture.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM t{number} WHERE id IN (3, 4) AND v IS NULL"));
    }

    public sealed class Fixture() : NodeFixture(
        """
        CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('sad', 'so so');
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        """
        + string.Concat(Cases.Select((one, number) => $"CREATE TABLE t{number}(id int PRIMARY KEY, v {one.Type});")));
}
