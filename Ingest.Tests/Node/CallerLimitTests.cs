namespace Ingest.Tests.Node;

/// <summary>Callers who are held to what they may send.</summary>
[Collection(nameof(AskingNode))]
public sealed class CallerLimitTests(AskingNode fixture)
{
    [Fact]
    public async Task Should_hold_a_caller_to_the_rows_a_second_that_its_keys_have_together()
    {
        var first = await fixture.AddKeyAsync("slow", "write:*", "--rows-per-second", "2");
        var second = await fixture.AddKeyAsync("slow", "write:*", "--rows-per-second", "2");
        var other = await fixture.AddKeyAsync("unlimited", "write:*");

        var told = new List<int>();
        for (var row = 0; row < 8; row++) told.Add(await fixture.PostAsync("clicks", row % 2 == 0 ? first : second));

        Assert.Contains(201, told);
        Assert.Contains(429, told);
        Assert.Equal(201, await fixture.PostAsync("clicks", other));
        using var refused = await fixture.PostUntilAsync("clicks", first, 429);
        Assert.Equal("/problems/caller-limit", await AskingNode.TypeOf(refused));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(201, await fixture.PostAsync("clicks", first));
    }

    [Fact]
    public async Task Should_slow_a_stream_down_to_its_callers_rows_a_second()
    {
        var key = await fixture.AddKeyAsync("stream", "write:*", "--rows-per-second", "1000");
        var body = string.Concat(Enumerable.Repeat("{\"url\":\"u\"}\n", 3_500));
        var started = TimeProvider.System.GetTimestamp();

        using var response = await fixture.SendAsync(
            "POST", "/v1/tables/clicks/rows?verdicts=none", key, null, "application/x-ndjson", body);

        // A second's rows at once, and the rest at the rate; the last pieces need not be paid for any more.
        Assert.Contains("\"committed\":3500", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0.9, 30);
    }
}
