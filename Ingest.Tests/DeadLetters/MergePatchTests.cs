using System.Text;
using System.Text.Json;
using Ingest.Node.DeadLetters;

namespace Ingest.Tests.DeadLetters;

public sealed class MergePatchTests
{
    /// <summary>The cases of RFC 7396, appendix A, whose target or patch is an object, and some about exact
    /// text.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("""[1,2]""", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("""{}""", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("""{"n":1.500e10,"j":{"x":1,"x":2}, "s" : "\ud800\u0000é"}""", """{"b":2.0}""",
        """{"n":1.500e10,"j":{"x":1,"x":2},"s":"\ud800\u0000é","b":2.0}""")]
    [InlineData("""{"\u0061":1}""", """ {"a":2} """, """{"a":2}""")]
    public void Should_merge_as_the_standard_says_and_keep_the_text_of_the_rest(
        string target, string patch, string merged) =>
        Assert.Equal(merged, Encoding.UTF8.GetString(
            MergePatch.Apply(Encoding.UTF8.GetBytes(target), Encoding.UTF8.GetBytes(patch))));

    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":{"b":1,"b":2}}""")]
    [InlineData("""{"a":1""")]
    [InlineData("""{"a":1}{}""")]
    [InlineData("""{"\ud800":1}""")]
    public void Should_refuse_a_patch_that_is_none(string patch) => Assert.ThrowsAny<JsonException>(() =>
        MergePatch.Apply("{}"u8, Encoding.UTF8.GetBytes(patch)));
}
