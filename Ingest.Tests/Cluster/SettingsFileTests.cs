using Ingest.Node.Cluster;
using static Ingest.Tests.Cluster.TestSettings;

namespace Ingest.Tests.Cluster;

/// <summary>What is said of a settings file that is not read as it was meant: its name, and what is wrong.</summary>
public sealed class SettingsFileTests
{
    [Fact]
    public void Should_say_which_file_is_not_there() =>
        Assert.Contains(
            "/nowhere.conf",
            Assert.Throws<SettingsException>(() => Load(("INGEST_CONFIG", "/nowhere.conf"))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("""ingest.tables { "a" { lanes = 1 }, "b" { lanes = 2 } }""", "position 33")]
    [InlineData("""ingest.data = "\q" """, "escape")]
    [InlineData("ingest.data = ${nothing}", "nothing")]
    [InlineData("include \"other.conf\"", "include")]
    public void Should_say_what_the_parser_says(string text, string said)
    {
        var message = FaultOf(text);

        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("ingest {\n batching {\n  lanes = 3\n }\n", "{ of line 1")]
    [InlineData("ingest {\n batching { lanes = 3\n }", "{ of line 1")]
    [InlineData("ingest { http.port = 1 } }\ningest.grpc.port = 2", "} of line 1")]
    [InlineData("ingest.data = \"a\ningest.http.port = 1", "\" of line 1")]
    [InlineData("# {\ningest.data = \"{\\\"}{\" // }\ningest.batching.on-conflict.columns = [a }", "[ of line 3")]
    public void Should_say_what_is_not_closed(string text, string said) =>
        Assert.Contains(said, FaultOf(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("ingest { batching { flush-evry = 5 } }", "ingest.batching.flush-evry")]
    [InlineData("ingest.tables { \"a.b\" { lane = 5 } }", "ingest.tables.\"a.b\".lane")]
    [InlineData("ingest.tables { \"a\" { on-conflict { colums = [x] } } }", "ingest.tables.a.on-conflict.colums")]
    [InlineData("ingest.tables { \"a\" = 5 }", "ingest.tables.a")]
    [InlineData("ingest.tables = 5", "ingest.tables")]
    [InlineData("ingest.bathing.lanes = 5", "ingest.bathing")]
    [InlineData("ingest.http = 8080", "ingest.http")]
    [InlineData("ingest.http.port.number = 8080", "ingest.http.port.number")]
    [InlineData("ingest = 5", "ingest")]
    [InlineData("ingest { lanes = 1, grpc.host = x }", "lanes, ingest.grpc.host")]
    public void Should_name_what_is_no_setting(string text, string named) =>
        Assert.EndsWith($"{named}.", FaultOf(text), StringComparison.Ordinal);

    [Fact]
    public void Should_leave_alone_what_is_not_of_ingest() =>
        Assert.Equal(3, LoadFile("akka.loglevel = DEBUG\nmine { lanes = 3 }\ningest.batching.lanes = ${mine.lanes}")
            .BatchingFor("clicks").Lanes);

    [Fact]
    public void Should_take_the_node_s_own_file_as_one_of_the_user_s()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "hocon", "ingest.conf");

        Assert.Equal(4, Load(("INGEST_CONFIG", file)).BatchingFor("clicks").Lanes);
    }

    [Fact]
    public void Should_take_a_file_without_a_setting() => Assert.Equal(8080, LoadFile("# nothing\n").Http.Port);

    /// <summary>What is said of a file, behind its name.</summary>
    private static string FaultOf(string text)
    {
        var message = Assert.Throws<SettingsException>(() => LoadFile(text)).Message;
        Assert.StartsWith("INGEST_CONFIG names /", message, StringComparison.Ordinal);
        return message;
    }
}
