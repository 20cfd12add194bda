using CsCheck;
using Ingest.Node.Writing;

namespace Ingest.Tests.Writing;

public sealed class IsolationPlanTests
{
    [Fact]
    public void Should_find_exactly_the_bad_rows_whether_or_not_they_are_named() =>
        Gen.Select(Gen.Int[0, 300], Gen.Double[0, 1], Gen.Double[0, 1], Gen.Int[0, int.MaxValue]).Sample(
            (rows, badShare, namedShare, seed) =>
            {
                var random = new Random(seed);
                var bad = Enumerable.Range(0, rows).Where(_ => random.NextDouble() < badShare).ToHashSet();

                var (written, rejected, _, _) = Run(
                    rows, bad.Contains, row => random.NextDouble() < namedShare ? row : null);

                Assert.Equal(bad.Order(), rejected);
                Assert.Equal(Enumerable.Range(0, rows).Where(row => !bad.Contains(row)), written);
            });

    [Theory]
    [InlineData(10_000, 1, true)]
    [InlineData(10_000, 100, true)]
    [InlineData(10_000, 1, false)]
    [InlineData(10_000, 100, false)]
    [InlineData(10_000, 10_000, true)]
    [InlineData(10_000, 10_000, false)]
    public void Should_need_attempts_in_proportion_to_the_bad_rows(int rows, int bad, bool named)
    {
        var every = rows / bad;

        var (_, rejected, attempts, rowsTried) = Run(rows, row => row % every == every - 1, row => named ? row : null);

        Assert.Equal(bad, rejected.Count);
        var logarithm = Math.Log2((double)rows / bad) + 2;
        Assert.InRange(attempts, bad, named ? (4 * bad) + Math.Log2(rows) : 3 * bad * logarithm);
        Assert.InRange(rowsTried, rows, named ? 6L * rows : 6L * rows * logarithm);
    }

    [Fact]
    public void Should_not_trust_a_name_outside_the_range()
    {
        var (_, rejected, _, _) = Run(100, row => row == 42, _ => 4711);

        Assert.Equal([42], rejected);
    }

    /// <summary>Plays a database that fails at the first bad row of a range.</summary>
    private static (List<int> Written, List<int> Rejected, int Attempts, long RowsTried) Run(
        int rows, Func<int, bool> isBad, Func<int, int?> name)
    {
        var plan = new IsolationPlan(rows);
        List<int> written = [], rejected = [];
        var (attempts, rowsTried) = (0, 0L);
        while (plan.TryNext(out var range))
        {
            attempts++;
            rowsTried += range.Count;
            var bad = Enumerable.Range(range.First, range.Count).Where(isBad).Cast<int?>().FirstOrDefault();
            if (bad is null)
            {
                written.AddRange(Enumerable.Range(range.First, range.Count));
                plan.Succeeded();
            }
            else if (plan.Failed(range, name(bad.Value))) rejected.Add(range.First);
        }

        return (written, rejected, attempts, rowsTried);
    }
}
