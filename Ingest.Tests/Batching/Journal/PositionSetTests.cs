using CsCheck;
using Ingest.Node.Batching.Journal;

namespace Ingest.Tests.Batching.Journal;

public sealed class PositionSetTests
{
    private const int Positions = 40;

    [Fact]
    public void Should_join_ranges_that_touch_and_split_one_that_is_cut()
    {
        var set = new PositionSet();

        set.Add(1, 3);
        set.Add(7, 9);
        set.Add(4, 6);
        Assert.Equal([(1, 9)], set.Ranges);

        set.Remove(3, 4);
        Assert.Equal([(1, 2), (5, 9)], set.Ranges);
    }

    [Fact]
    public void Should_hold_what_a_plain_set_holds_in_as_few_ranges_as_possible() =>
        Gen.Select(Gen.Bool, Gen.Long[1, Positions], Gen.Long[0, 9]).Array[1, 30].Sample(steps =>
        {
            var (set, plain) = (new PositionSet(), new SortedSet<long>());
            foreach (var (isAdded, first, more) in steps)
            {
                var positions = Enumerable.Range((int)first, (int)more + 1).Select(position => (long)position);
                if (isAdded) set.Add(first, first + more);
                else set.Remove(first, first + more);
                if (isAdded) plain.UnionWith(positions);
                else plain.ExceptWith(positions);
            }

            var ranges = set.Ranges.ToList();
            Assert.Equal(plain, ranges.SelectMany(range => Through(range.First, range.Last)));
            Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.True(pair.Item1.Last + 1 < pair.Item2.First));
            Assert.Equal(plain.Count == 0, set.IsEmpty);
            foreach (var position in Through(0, Positions + 12))
            {
                Assert.Equal(plain.Any(one => one >= position), set.FirstFrom(position) is not null);
                Assert.Equal(plain.FirstOrDefault(one => one >= position), set.FirstFrom(position) ?? 0);
                Assert.Equal(plain.Contains(position), set.EndOf(position) is { } end && ranges.Any(range =>
                    range.First <= position && range.Last == end));
            }
        });

    private static IEnumerable<long> Through(long first, long last)
    {
        for (var position = first; position <= last; position++) yield return position;
    }
}
