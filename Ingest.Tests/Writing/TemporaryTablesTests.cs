using Ingest.Node.Writing;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>A connection that serves many tables keeps few temporary ones.</summary>
public sealed class TemporaryTablesTests : IAsyncLifetime
{
    private const string MostOfAnyConnection = """
        SELECT coalesce(max(kept), 0)::int FROM (
            SELECT count(*) AS kept FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND n.nspname LIKE 'pg\_temp\_%' GROUP BY n.oid) AS connections
        """;

    private LaneDatabase database = null!;

    public async Task InitializeAsync() =>
        database = await LaneDatabase.CreateAsync(mayStage: true, mostRowsAtOnce: 0);

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Theory]
    [InlineData("v int CHECK (v > 0)", 1)] // Bad rows are tried in a temporary table.
    [InlineData("v point", 0)] // So are all, of a type that has no encoding.
    public async Task Should_keep_few_of_them_however_many_tables_have_needed_one(string column, int bad)
    {
        var tables = Enumerable.Range(1, 2 * TemporaryTables.MostKept).Select(number => $"t{number}").ToList();
        await database.Database.ExecuteAsync(
            string.Concat(tables.Select(table => $"CREATE TABLE {table} (id int PRIMARY KEY, {column});")));
        await database.RefreshAsync();
        var kept = new List<int>();
        for (var round = 0; round < 2; round++)
        {
            foreach (var table in tables)
            {
                var rows = Enumerable.Range(1, 40).Select(row =>
                    $$"""{"id":{{(100 * round) + row}},"v":{{(bad == 0 ? "\"(1,2)\"" : row == 7 ? "-1" : "1")}}}""");
                var written = await database.Store.WriteAsync(database.BatchOf(table, [.. rows]), default);
                Assert.Equal(bad, Assert.IsType<Written>(written).Rejections.Length);
                kept.Add(await database.Database.ScalarAsync<int>(MostOfAnyConnection));
            }
        }

        Assert.InRange(kept.Max(), 2, TemporaryTables.MostKept);
        foreach (var table in tables)
            Assert.Equal(80L - (2 * bad), await database.Database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
    }
}
