using System.Collections.Concurrent;

namespace Ingest.Messages.Wire;

/// <summary>
/// Gives equal shapes that arrive in different envelopes the same instance, so that comparing them further on is
/// comparing references, and a buffered row does not keep a copy of its columns' names alive. Thread-safe.
/// <para>
/// Bounded by two generations: when the young one is full it becomes the old one, and what was old is forgotten unless
/// it was asked for in between. Shapes in use thus stay the same instance; a forgotten one costs a second instance and
/// nothing else, since shapes are compared by value.
/// </para>
/// </summary>
/// <param name="capacity">The number of shapes in a generation; about twice as many are kept at most.</param>
internal sealed class ShapeInterner(int capacity = ShapeInterner.DefaultCapacity)
{
    /// <summary>Far more than a cluster's tables times the few column sets that callers of each use.</summary>
    public const int DefaultCapacity = 1024;

    private readonly Lock turning = new();
    private ConcurrentDictionary<Shape, Shape> young = new();
    private ConcurrentDictionary<Shape, Shape> old = new();

    /// <summary>The number of shapes that are kept.</summary>
    public int Count => young.Count + old.Count;

    /// <summary>The instance that stands for all shapes equal to <paramref name="shape"/>.</summary>
    public Shape Intern(Shape shape)
    {
        var current = Volatile.Read(ref young);
        if (current.TryGetValue(shape, out var known)) return known;
        known = Volatile.Read(ref old).TryGetValue(shape, out var remembered) ? remembered : shape;
        known = current.GetOrAdd(known, known);
        // Counting takes all of the dictionary's locks, but only new and remembered shapes come this way.
        if (current.Count >= capacity) Turn(current);
        return known;
    }

    private void Turn(ConcurrentDictionary<Shape, Shape> full)
    {
        lock (turning)
        {
            if (young != full) return;
            Volatile.Write(ref old, full);
            Volatile.Write(ref young, new ConcurrentDictionary<Shape, Shape>());
        }
    }
}
