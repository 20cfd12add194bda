using System.Text;
using Ingest.Bench.Load;

namespace Ingest.Tests.Bench;

public sealed class RowSourceTests
{
    [Fact]
    public void Should_put_a_bad_row_in_the_place_of_each_hundredth()
    {
        var plain = new RowSource();

        var mixed = new RowSource(new BadRows((bad, number) => bad["user_id"] = -number, 100));

        for (var row = 0; row < 1_000; row++)
        {
            var text = Encoding.UTF8.GetString(mixed[row].Span);
            Assert.Equal(row % 100 == 99, text.Contains($"\"user_id\":-{row},", StringComparison.Ordinal));
            Assert.Equal(row % 100 == 99, text != Encoding.UTF8.GetString(plain[row].Span));
        }
    }
}
