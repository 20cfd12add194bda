using Ingest.Node.Gateway;

namespace Ingest.Tests.Gateway;

/// <summary>Whose turn it is.</summary>
public sealed class TurnQueueTests
{
    [Fact]
    public void Should_let_callers_take_turns_and_keep_the_order_of_each()
    {
        var queue = new TurnQueue<string>();
        foreach (var item in new[] { "a1", "a2", "a3", "b1", "b2" }) queue.Enqueue(item[..1], item);

        Assert.Equal(["a1", "b1", "a2", "b2", "a3"], All(queue));
    }

    [Fact]
    public void Should_give_who_has_no_name_a_line_of_his_own()
    {
        var queue = new TurnQueue<string>();
        queue.Enqueue("a", "a1");
        queue.Enqueue("a", "a2");
        queue.Enqueue(null, "x");
        queue.Enqueue(null, "y");

        Assert.Equal(["a1", "x", "y", "a2"], All(queue));
    }

    [Fact]
    public void Should_take_a_caller_back_who_had_nothing_left()
    {
        var queue = new TurnQueue<string>();
        queue.Enqueue("a", "a1");
        Assert.Equal(["a1"], All(queue));

        queue.Enqueue("a", "a2");

        Assert.Equal(["a2"], All(queue));
    }

    private static List<string> All(TurnQueue<string> queue)
    {
        var all = new List<string>();
        while (queue.TryPeek(out var next))
        {
            Assert.Equal(next, queue.Dequeue());
            all.Add(next);
        }

        return all;
    }
}
