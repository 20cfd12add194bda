using Ingest.Messages;
using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

public sealed class ShapeInternerTests
{
    [Fact]
    public void Should_give_the_first_of_equal_shapes()
    {
        var shapes = new ShapeInterner();
        var first = shapes.Intern(Named("a"));

        Assert.Same(first, shapes.Intern(Named("a")));
        Assert.NotSame(first, shapes.Intern(Named("b")));
    }

    [Fact]
    public void Should_not_keep_more_than_two_generations()
    {
        var shapes = new ShapeInterner(capacity: 10);

        for (var i = 0; i < 1_000; i++) shapes.Intern(Named($"column{i}"));

        Assert.InRange(shapes.Count, 10, 20);
    }

    [Fact]
    public void Should_keep_the_instance_of_a_shape_that_is_in_use()
    {
        var shapes = new ShapeInterner(capacity: 10);
        var used = shapes.Intern(Named("used"));

        for (var i = 0; i < 1_000; i++)
        {
            shapes.Intern(Named($"column{i}"));
            Assert.Same(used, shapes.Intern(Named("used")));
        }
    }

    private static Shape Named(string name) => new([new ShapeColumn(name, "text")]);
}
