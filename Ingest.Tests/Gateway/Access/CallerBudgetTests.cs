using Ingest.Node.Gateway.Access;
using Ingest.Tests.Bench;

namespace Ingest.Tests.Gateway.Access;

/// <summary>What a caller may have, in virtual time.</summary>
public sealed class CallerBudgetTests
{
    private readonly ManualTime time = new();

    [Fact]
    public void Should_let_in_one_seconds_rows_at_once_and_then_as_many_as_time_brings()
    {
        var budget = new CallerBudget(new CallerLimits(RowsPerSecond: 10, InFlightRows: 0), time);

        Assert.All(Enumerable.Range(0, 10), _ => Assert.True(budget.TryEnter(1)));
        Assert.False(budget.TryEnter(1));
        time.Advance(TimeSpan.FromMilliseconds(250));

        Assert.True(budget.TryEnter(1));
        Assert.True(budget.TryEnter(1));
        Assert.False(budget.TryEnter(1));
    }

    [Fact]
    public void Should_have_what_is_too_much_at_once_paid_for_before_the_next_row()
    {
        var budget = new CallerBudget(new CallerLimits(RowsPerSecond: 10, InFlightRows: 0), time);

        Assert.True(budget.TryEnter(30));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(budget.TryEnter(1));
        time.Advance(TimeSpan.FromSeconds(0.2));

        Assert.True(budget.TryEnter(1));
    }

    [Fact]
    public void Should_refuse_rows_in_flight_above_the_limit_and_take_as_many_as_have_left()
    {
        var budget = new CallerBudget(new CallerLimits(RowsPerSecond: 0, InFlightRows: 3), time);
        Assert.True(budget.TryEnter(3));
        Assert.False(budget.TryEnter(1));
        Assert.False(budget.IsIdle);

        budget.Leave(3);

        Assert.True(budget.IsIdle);
        Assert.True(budget.TryEnter(3));
    }

    [Fact]
    public void Should_give_back_what_was_let_in_here_and_not_by_the_node()
    {
        var budget = new CallerBudget(new CallerLimits(RowsPerSecond: 2, InFlightRows: 2), time);

        Assert.True(budget.TryEnter(2));
        budget.Cancel(2);

        Assert.True(budget.TryEnter(2));
    }

    [Fact]
    public async Task Should_not_keep_a_stream_waiting_for_its_rate_when_the_node_stops()
    {
        var budget = new CallerBudget(new CallerLimits(RowsPerSecond: 1, InFlightRows: 0), time);
        var isStopping = false;
        Assert.True(await budget.EnterAsync(1_000, () => isStopping, CancellationToken.None));

        var waiting = budget.EnterAsync(1, () => isStopping, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        isStopping = true;
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(await waiting);
    }

    [Fact]
    public void Should_keep_one_budget_for_a_name_and_forget_idle_ones_when_there_are_too_many()
    {
        var budgets = new CallerBudgets(time);
        var limits = new CallerLimits(RowsPerSecond: 0, InFlightRows: 1);
        var busy = budgets.Of("busy", limits)!;
        Assert.True(busy.TryEnter(1));

        for (var caller = 0; caller < 2 * CallerBudgets.MaxKept; caller++)
            budgets.Of(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"caller {caller}"), limits);

        Assert.Same(busy, budgets.Of("busy", limits));
        Assert.Null(budgets.Of("free", new CallerLimits(0, 0)));
    }
}
