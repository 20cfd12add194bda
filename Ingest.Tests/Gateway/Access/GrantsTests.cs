using Ingest.Node.Gateway.Access;

namespace Ingest.Tests.Gateway.Access;

/// <summary>What grants allow, and what is no grant.</summary>
public sealed class GrantsTests
{
    [Theory]
    [InlineData("write:clicks", "clicks", true)]
    [InlineData("write:clicks", "clicks2", false)]
    [InlineData("write:clicks", "Clicks", false)]
    [InlineData("write:sales.*", "sales.invoices", true)]
    [InlineData("write:sales.*", "salesx", false)]
    [InlineData("write:*", "\"odd/name.here\"", true)]
    [InlineData("write:a:b", "a:b", true)]
    [InlineData("administer:clicks", "clicks", true)]
    [InlineData("administer:clicks", "other", false)]
    [InlineData("read-dead-letters:*", "clicks", false)]
    [InlineData("observe:*", "clicks", false)]
    public void Should_allow_to_write_what_is_granted(string grant, string table, bool isAllowed) =>
        Assert.Equal(isAllowed, Of(grant).Allow(Scope.Write, table));

    [Fact]
    public void Should_hold_a_scope_that_is_granted_for_some_table_and_administer_for_all()
    {
        Assert.True(Of("write:clicks").Hold(Scope.Write | Scope.Observe));
        Assert.False(Of("write:clicks").Hold(Scope.ReadDeadLetters | Scope.Observe));
        Assert.True(Of("administer:clicks").Hold(Scope.Observe));
        Assert.False(Grants.None.Hold(Scope.Any));
    }

    [Theory]
    [InlineData("write")]
    [InlineData("write:")]
    [InlineData(":clicks")]
    [InlineData("Write:clicks")]
    [InlineData("erase:clicks")]
    [InlineData("")]
    public void Should_refuse_what_is_no_grant_and_pass_over_it_among_others(string text)
    {
        Assert.False(Grants.TryParse(["write:*", text], out var none, out var malformed));

        Assert.Equal(text, malformed);
        Assert.False(none.Hold(Scope.Any));
        Assert.True(Grants.Among([text, "write:clicks"]).Allow(Scope.Write, "clicks"));
    }

    private static Grants Of(string grant) =>
        Grants.TryParse([grant], out var grants, out _) ? grants : throw new ArgumentException(grant);
}
