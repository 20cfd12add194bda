using System.Security.Cryptography;
using System.Text;
using Ingest.Node;

namespace Ingest.Tests.Node;

/// <summary>Keys, from their making to their end.</summary>
[Collection(nameof(AskingNode))]
public sealed class ApiKeyTests(AskingNode fixture)
{
    [Fact]
    public async Task Should_rotate_keys_without_a_restart()
    {
        var old = await fixture.AddKeyAsync("rotating", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", old));
        var renewed = await fixture.AddKeyAsync("rotating", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", renewed));

        await fixture.RemoveKeyAsync(old);

        await Eventually.TrueAsync(async () => await fixture.PostAsync("clicks", old) == 401);
        Assert.Equal(201, await fixture.PostAsync("clicks", renewed));
    }

    [Fact]
    public async Task Should_know_a_new_key_at_once_however_many_show_it()
    {
        using var output = new StringWriter();
        var command = new ApiKeyCommand(fixture.Database.DataSource, TimeProvider.System, output);
        await command.InvokeAsync("add", "crowd", "write:*");
        var key = output.ToString().Trim();

        var told = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => fixture.PostAsync("clicks", key)));

        Assert.All(told, status => Assert.Equal(201, status));
    }

    [Theory]
    [InlineData]
    [InlineData("add", "somebody")]
    [InlineData("add", "somebody", "wrote:clicks")]
    [InlineData("add", "somebody", "write:clicks", "--days", "0")]
    [InlineData("remove")]
    public async Task Should_end_with_2_for_wrong_arguments(params string[] arguments)
    {
        using var output = new StringWriter();
        var command = new ApiKeyCommand(fixture.Database.DataSource, TimeProvider.System, output);

        Assert.Equal(2, await command.InvokeAsync(arguments));
        Assert.Empty(output.ToString());
    }

    [Fact]
    public async Task Should_refuse_a_key_whose_secret_is_wrong_or_whose_time_is_up()
    {
        var key = await fixture.AddKeyAsync("tried", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", key));
        var last = key[^1] == '0' ? '1' : '0';

        Assert.Equal(401, await fixture.PostAsync("clicks", key[..^1] + last));
        Assert.Equal(401, await fixture.PostAsync("clicks", key + "0"));
        Assert.Equal(401, await fixture.PostAsync("clicks", "ingest_"));
        await fixture.Database.ExecuteAsync("UPDATE ingest.api_keys SET expires_at = now() WHERE name = 'tried'");
        await Eventually.TrueAsync(async () => await fixture.PostAsync("clicks", key) == 401);
    }

    [Fact]
    public async Task Should_store_of_a_key_what_does_not_give_it_away()
    {
        var key = await fixture.AddKeyAsync("kept", "write:*");

        var stored = await fixture.Database.ScalarAsync<string>(
            "SELECT string_agg(k::text, ' ') FROM ingest.api_keys k WHERE name = 'kept'");
        var hash = await fixture.Database.ScalarAsync<byte[]>("SELECT sha256 FROM ingest.api_keys WHERE name = 'kept'");

        Assert.DoesNotContain(key[24..], stored, StringComparison.Ordinal);
        Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(key)), hash);
    }
}
