using System.Text.Json;
using Ingest.Bench.Load;
using Ingest.Tests.Postgres;
using Microsoft.AspNetCore.Http;

namespace Ingest.Tests.Bench;

/// <summary>Whole loads, counted in a real table that the scripted server writes.</summary>
public sealed class LoadCommandTests : IAsyncLifetime
{
    private static readonly LoadOptions Small = new() { Rows = 30, Connections = 3 };

    private TestDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("create table clicks (url text); insert into clicks values ('was there')");
    }

    public Task DisposeAsync() => database.DisposeAsync().AsTask();

    [Fact]
    public async Task Should_succeed_when_each_committed_row_is_in_the_table()
    {
        var report = await LoadAsync(_ => 201, writes: _ => true);
        Assert.True(report.Succeeded);
        Assert.Equal((CountVerdict.Matches, 1, 31, 30),
            (report.Count.Verdict, report.Count.Before, report.Count.After, report.Count.Added));
    }

    [Fact]
    public async Task Should_fail_when_a_committed_row_is_missing()
    {
        var report = await LoadAsync(_ => 201, writes: n => n != 7);
        Assert.False(report.Succeeded);
        Assert.Equal((30, 29, CountVerdict.Differs), (report.Committed, report.Count.Added, report.Count.Verdict));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Should_allow_a_row_of_unknown_outcome_to_be_there_or_not_but_not_succeed(bool isThere)
    {
        var report = await LoadAsync(n => n == 7 ? 504 : 201, writes: n => n != 7 || isThere);
        Assert.Equal((29, 1, CountVerdict.Matches), (report.Committed, report.Unknown, report.Count.Verdict));
        Assert.False(report.Succeeded);
    }

    [Fact]
    public async Task Should_fail_when_a_rejected_row_is_in_the_table()
    {
        var report = await LoadAsync(n => n == 7 ? 409 : 201, writes: _ => true);
        Assert.Equal((1, CountVerdict.Differs), (report.Rejected, report.Count.Verdict));
    }

    [Fact]
    public async Task Should_say_why_the_count_was_not_checked()
    {
        await using var server = await ScriptedServer.AnswerAsync((context, _) => context.Response.WriteAsync(""));
        var gone = new RowCount(database.ConnectionString, "no such table");
        var report = await RunAsync(server, gone);
        Assert.Equal(30, report.Committed);
        Assert.Equal(CountVerdict.NotChecked, report.Count.Verdict);
        Assert.Contains("no such table", report.Count.Reason, StringComparison.Ordinal);
        Assert.False(report.Succeeded);
        Assert.False((await RunAsync(server, null)).Succeeded);
    }

    [Fact]
    public async Task Should_write_the_report_with_the_documented_names()
    {
        var report = await LoadAsync(_ => 201, writes: _ => true);
        using var json = JsonDocument.Parse(report.ToJson());
        var root = json.RootElement;
        Assert.Equal(30, root.GetProperty("committed").GetInt64());
        Assert.Equal("http", root.GetProperty("via").GetString());
        Assert.Equal("matches", root.GetProperty("count").GetProperty("verdict").GetString());
        Assert.True(root.GetProperty("latency_microseconds").GetProperty("p999").GetDouble() > 0);
        Assert.True(root.GetProperty("succeeded").GetBoolean());
    }

    [Fact]
    public void Should_find_the_connection_string_where_the_node_would()
    {
        var data = Directory.CreateTempSubdirectory();
        try
        {
            Directory.CreateDirectory(Path.Combine(data.FullName, "postgres"));
            File.WriteAllText(Path.Combine(data.FullName, "postgres", "connection"), "Host=embedded\n");
            var environment = new Dictionary<string, string?> { ["INGEST_DATA"] = data.FullName };
            Assert.Equal("Host=embedded", RowCount.FindConnectionString(null, environment.GetValueOrDefault));
            environment["INGEST_POSTGRES"] = "Host=set";
            Assert.Equal("Host=set", RowCount.FindConnectionString(null, environment.GetValueOrDefault));
            Assert.Equal("Host=given", RowCount.FindConnectionString("Host=given", environment.GetValueOrDefault));
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    /// <summary>A load against a server that writes the rows it is told to, and answers as it is told to.</summary>
    private async Task<LoadReport> LoadAsync(Func<int, int> status, Func<int, bool> writes)
    {
        await using var server = await ScriptedServer.AnswerAsync(async (context, n) =>
        {
            if (writes(n)) await database.ExecuteAsync("insert into clicks values ('x')");
            context.Response.StatusCode = status(n);
        });
        return await RunAsync(server, new RowCount(database.ConnectionString, "public.clicks"));
    }

    private static Task<LoadReport> RunAsync(ScriptedServer server, RowCount? count) =>
        new LoadCommand(Small with { Url = server.Url }, count, TimeProvider.System)
            .RunAsync((_, _) => Task.CompletedTask, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(60));
}
