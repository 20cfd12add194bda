using Ingest.Node.Writing.Isolation;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Bad rows of all kinds among good ones.</summary>
public sealed class MixtureTests : IAsyncLifetime
{
    private const int Batches = 10;
    private const int BatchRows = 10_000;

    private LaneDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await LaneDatabase.CreateAsync(mayStage: true);
        await database.Database.ExecuteAsync(Mixture.Tables);
        await database.RefreshAsync();
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_reject_each_bad_row_of_100_000_for_its_own_reason_in_few_attempts()
    {
        for (var number = 0; number < Batches; number++)
        {
            var first = number * BatchRows;
            var batch = database.BatchOf(
                "mixed", [.. Enumerable.Range(first + 1, BatchRows).Select(Mixture.Row)]);

            var written = Assert.IsType<Written>(await database.Store.WriteAsync(batch, CancellationToken.None));

            Assert.Equal(
                Enumerable.Range(first + 1, BatchRows).Select(row => (Row: row, Bad: Mixture.BadAt(row)))
                    .Where(row => row.Bad is not null)
                    .Select(row => (row.Row, row.Bad!.SqlState, row.Bad.Constraint, row.Bad.Column)),
                written.Rejections.OrderBy(row => row.Position).Select(row => (
                    (int)row.Position, row.Rejection.SqlState, row.Rejection.Constraint, row.Rejection.Column)));
            // The bound of docs/architecture.md. All are tried once as a whole, and the server's loop once more.
            Assert.InRange(
                written.Stats.Attempts, 1, 3 + Suspicions.MostKinds + (2 * RowIsolation.MostFailures) + Math.Log2(BatchRows));
        }

        var good = Enumerable.Range(1, Batches * BatchRows).Count(row => Mixture.BadAt(row) is null);
        Assert.Equal(good, await database.Database.ScalarAsync<long>("SELECT count(*) FROM mixed WHERE id > 0"));
        Assert.Equal(
            0L, await database.Database.ScalarAsync<long>("SELECT count(*) FROM mixed WHERE id > 100 AND id % 100 < 14"));
    }
}
