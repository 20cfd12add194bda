using Ingest.Bench.Load;
using Ingest.Messages;
using Ingest.Tests.Grpc;
using Ingest.Tests.Http;

namespace Ingest.Tests.Bench;

/// <summary>The load's gRPC clients against the real service over a gateway that follows a script.</summary>
public sealed class GrpcLoadTests : IAsyncLifetime
{
    private readonly ScriptedGateway gateway = new();
    private TestGrpcServer server = null!;

    public async Task InitializeAsync() =>
        server = await TestGrpcServer.StartAsync(gateway, new FixedCatalog(TestTables.Clicks()));

    public async Task DisposeAsync() => await server.DisposeAsync();

    [Theory]
    [InlineData(LoadVia.Grpc)]
    [InlineData(LoadVia.GrpcUnary)]
    public async Task Should_count_each_row_by_its_outcome_and_send_refused_rows_again(LoadVia via)
    {
        gateway.Script = row => row switch
        {
            5 or 50 => Verdict.NotWritten,
            7 => Verdict.Unknown,
            9 or 90 => Verdict.Rejected(new Rejection("23505", "There.", "pk")),
            _ => Verdict.Committed,
        };
        using var run = new LoadRun(Options(via, "clicks"), TimeProvider.System);

        await run.RunAsync();

        var tally = run.Tally;
        Assert.Null(run.Failure);
        Assert.Equal(
            (3_000, 2_997, 2, 1, 2), (tally.Sent, tally.Committed, tally.Rejected, tally.Unknown, tally.Retried));
        Assert.Equal(0, tally.NoAnswer + tally.NotWritten);
    }

    [Theory]
    [InlineData(LoadVia.Grpc)]
    [InlineData(LoadVia.GrpcUnary)]
    public async Task Should_end_where_no_row_of_the_load_can_be_written(LoadVia via)
    {
        using var run = new LoadRun(Options(via, "nowhere"), TimeProvider.System);

        await run.RunAsync().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Contains("NotFound", run.Failure, StringComparison.Ordinal);
        Assert.Equal(0, run.Tally.Committed);
    }

    private LoadOptions Options(LoadVia via, string table) => new()
    {
        Rows = 3_000,
        Via = via,
        Connections = 2,
        Table = table,
        Url = new Uri($"http://{server.Channel.Target}"),
    };
}
