using Ingest.Bench.Growth;

namespace Ingest.Tests.Bench;

/// <summary>The model of growth against what can be worked out by hand.</summary>
public sealed class GrowthModelTests
{
    private static readonly GrowthCosts Costs = new(Node: 20, Batch: 100, Row: 5, Commit: 0);

    [Fact]
    public void Nodes_that_are_busy_all_the_time_are_the_limit()
    {
        var result = GrowthModel.Run(Plan(nodes: 2, databaseCores: 64, callers: 20_000), Costs with { Row = 0.1 });

        // Two nodes of two cores, 20 us a row.
        Assert.Equal(200_000, result.RowsPerSecond, 5_000.0);
        Assert.Equal(1, result.NodeUse, 0.01);
    }

    [Fact]
    public void One_backend_is_the_limit_of_one_lane_however_large_the_database_is()
    {
        var result = GrowthModel.Run(Plan(nodes: 16, databaseCores: 64, callers: 16_000, lanes: 1), Costs);

        // Batches of 10,000 rows: 100 us and 5 us for each row.
        Assert.Equal(1e6 / (5 + 0.01), result.RowsPerSecond, 5_000.0);
    }

    [Fact]
    public void A_lone_caller_waits_for_each_row()
    {
        var result = GrowthModel.Run(Plan(nodes: 1, databaseCores: 2, callers: 1), Costs with { Commit = 1000 });

        Assert.Equal(1e6 / (20 + 100 + 5 + 1000), result.RowsPerSecond, 1.0);
        Assert.Equal(1, result.BatchRows);
    }

    private static GrowthPlan Plan(int nodes, int databaseCores, int callers, int lanes = 4) =>
        new(nodes, NodeCores: 2, databaseCores, callers, lanes, FlushEvery: 10_000);
}
