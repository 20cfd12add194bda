using Ingest.Node.Embedded;

namespace Ingest.Tests.Embedded;

public sealed class PostgresBinariesTests
{
    private static readonly PostgresBinaries[] Installed = [new("/a/14", 14), new("/a/17", 17), new("/a/15", 15)];

    [Theory]
    [InlineData("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", 15)]
    [InlineData("postgres (PostgreSQL) 18beta2\n", 18)]
    [InlineData("postgres (PostgreSQL) 9.6.24\n", 9)]
    [InlineData("", null)]
    [InlineData("sh: postgres: not found", null)]
    public void Should_read_the_major_version(string output, int? expected) =>
        Assert.Equal(expected, PostgresBinaries.ParseMajor(output));

    [Fact]
    public void Should_choose_the_newest_for_new_data() =>
        Assert.Equal(17, PostgresBinaries.Choose(Installed, directory: null, major: null).Major);

    [Fact]
    public void Should_choose_the_version_that_made_the_data() =>
        Assert.Equal(15, PostgresBinaries.Choose(Installed, directory: null, major: 15).Major);

    [Fact]
    public void Should_say_which_version_the_data_needs_when_it_is_not_installed()
    {
        var refusal = Assert.Throws<EmbeddedPostgresException>(
            () => PostgresBinaries.Choose(Installed, directory: null, major: 16));

        Assert.Contains("made by PostgreSQL 16", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("17 (/a/17)", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_refuse_a_version_that_is_too_old_for_new_data() =>
        Assert.Contains(
            "too old",
            Assert.Throws<EmbeddedPostgresException>(
                () => PostgresBinaries.Choose([new("/a/13", 13)], directory: null, major: null)).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task Should_say_what_to_do_when_nothing_is_installed()
    {
        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => PostgresBinaries.FindAsync("/nowhere", major: null, CancellationToken.None));

        Assert.Contains("INGEST_POSTGRES", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }
}
