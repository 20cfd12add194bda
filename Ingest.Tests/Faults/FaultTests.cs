using System.Diagnostics.CodeAnalysis;
using Ingest.Bench.Faults;
using Ingest.Bench.Load;
using Xunit.Abstractions;

namespace Ingest.Tests.Faults;

/// <summary>A short fault run: real nodes, a real server, real signals. <c>./ingest faults</c> has all of it.</summary>
[Trait("Category", "Faults")]
public sealed class FaultTests(FaultCluster cluster, ITestOutputHelper output) : IClassFixture<FaultCluster>
{
    [Fact]
    public Task Should_neither_lose_nor_double_a_row_when_the_node_of_a_lane_is_killed_in_a_flush() =>
        RunAsync("kill_lanes");

    [Fact]
    public Task Should_neither_lose_nor_double_a_row_when_postgres_crashes_in_a_flush() => RunAsync("crash_postgres");

    [Fact]
    public Task Should_neither_lose_nor_double_a_row_when_a_frozen_node_goes_on() => RunAsync("zombie");

    private async Task RunAsync(string name)
    {
        var scenario = Scenarios.All.Single(scenario => scenario.Name == name);

        var result = await cluster.RunAsync(scenario);

        output.WriteLine(cluster.Said());
        output.WriteLine(FaultResult.ToJson([result]));
        // How long it took is the full run's affair: a machine that runs all tests at once is slow.
        Assert.Equal((0, 0), (result.Rows.Lost, result.Rows.Doubled));
        Assert.Equal((0, 0, 0), (result.Rows.UntrueNotWritten, result.Rows.UntrueRejected, result.Rows.Strangers));
        Assert.True(result.Rows.Acknowledged > 0, string.Join("; ", result.Failures));
        Assert.True(result.ResumedAfterSeconds is not null, string.Join("; ", result.Failures));
    }
}

/// <summary>One server and one cluster for all scenarios of the class.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The test runner ends it by IAsyncLifetime.")]
public sealed class FaultCluster : IAsyncLifetime
{
    private readonly List<string> said = [];
    private readonly FaultRun run;

    public FaultCluster() =>
        run = new FaultRun(new FaultOptions { Short = true, Tables = 4 }, TimeProvider.System, Say);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await run.DisposeAsync();

    internal Task<FaultResult> RunAsync(Scenario scenario) => run.RunAsync(scenario, CancellationToken.None);

    /// <summary>What the run has said since it was last asked.</summary>
    internal string Said()
    {
        lock (said)
        {
            var all = string.Join(Environment.NewLine, said);
            said.Clear();
            return all;
        }
    }

    private void Say(string what)
    {
        lock (said) said.Add($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {what}");
    }
}

/// <summary>The oracle must find what it is there to find.</summary>
public sealed class JudgementTests
{
    [Fact]
    public void Should_find_a_row_lost_that_was_acknowledged_and_is_not_there() =>
        Assert.Equal(1, Judge([RowOutcome.Committed, RowOutcome.Committed], [0, 1]).Lost);

    [Fact]
    public void Should_find_a_row_doubled_whatever_its_answer() =>
        Assert.Equal(3, Judge([RowOutcome.Committed, RowOutcome.NoAnswer, RowOutcome.Unknown], [2, 2, 3]).Doubled);

    [Fact]
    public void Should_find_an_untrue_answer_where_a_refused_row_is_there()
    {
        var judged = Judge([RowOutcome.Refused, RowOutcome.Rejected, RowOutcome.Refused], [1, 1, 0]);

        Assert.Equal((1, 1), (judged.UntrueNotWritten, judged.UntrueRejected));
    }

    [Fact]
    public void Should_allow_a_row_without_an_answer_to_be_there_or_not()
    {
        var judged = Judge([RowOutcome.NoAnswer, RowOutcome.Unknown], [0, 1]);

        Assert.Equal((0, 0, 2), (judged.Lost, judged.Doubled, judged.Unknown));
    }

    [Fact]
    public void Should_find_an_accepted_row_lost_that_is_not_there_but_for_one_that_the_table_refuses()
    {
        var outcomes = Enumerable.Repeat(RowOutcome.Accepted, 15).ToArray();
        var counts = outcomes.Select((_, row) => row is 3 or 13 ? 0 : 1).ToArray();

        var judged = Judge(outcomes, counts);

        Assert.Equal((15, 15, 1, 1), (judged.Acknowledged, judged.Accepted, judged.Lost, judged.LostAccepted));
        counts[13] = 1;
        Assert.Equal(1, Judge(outcomes, counts).UntrueRejected);
    }

    private static Judgement Judge(RowOutcome[] outcomes, int[] counts) => FaultTables.Judge(outcomes, (counts, 0));
}
