using Ingest.Node.Writing.Isolation;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Bad rows of all kinds among good ones.</summary>
public sealed class MixtureTests : IAsyncLifetime
{
    private const int BatchRows = 10_000;

    private LaneDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await LaneDatabase.CreateAsync(mayStage: true);
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public Task Should_reject_each_bad_row_of_100_000_for_its_own_reason_in_few_attempts() =>
        RejectAsync(Mixture.Constraints, batches: 10);

    [Fact]
    public Task Should_reject_each_bad_row_of_a_table_with_rules_in_few_attempts() =>
        RejectAsync(Mixture.Rules, batches: 2);

    private async Task RejectAsync(Mixture mixture, int batches)
    {
        await database.Database.ExecuteAsync(mixture.Tables);
        await database.RefreshAsync();
        for (var number = 0; number < batches; number++)
        {
            var first = number * BatchRows;
            var batch = database.BatchOf(
                mixture.Table, [.. Enumerable.Range(first + 1, BatchRows).Select(mixture.Row)]);

            var written = Assert.IsType<Written>(await database.Store.WriteAsync(batch, CancellationToken.None));

            Assert.Equal(
                Enumerable.Range(first + 1, BatchRows).Select(row => (Row: row, Bad: mixture.BadAt(row)))
                    .Where(row => row.Bad is not null)
                    .Select(row => (row.Row, row.Bad!.SqlState, row.Bad.Constraint, row.Bad.Column)),
                written.Rejections.OrderBy(row => row.Position).Select(row => (
                    (int)row.Position, row.Rejection.SqlState, row.Rejection.Constraint, row.Rejection.Column)));
            // The bound of docs/architecture.md. All are tried once as a whole, and the server's loop once more.
            Assert.InRange(
                written.Stats.Attempts,
                1,
                3 + Suspicions.Most + (2 * RowIsolation.MostFailures) + Math.Log2(BatchRows));
        }

        var good = Enumerable.Range(1, batches * BatchRows).Count(row => mixture.BadAt(row) is null);
        Assert.Equal(
            good, await database.Database.ScalarAsync<long>($"SELECT count(*) FROM {mixture.Table} WHERE id > 0"));
        Assert.Equal(
            0L, await database.Database.ScalarAsync<long>(
                $"SELECT count(*) FROM {mixture.Table} WHERE id > 100 AND id % 100 < {mixture.Bad.Count}"));
    }
}
