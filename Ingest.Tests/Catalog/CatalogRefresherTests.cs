using Ingest.Node.Catalog;
using Ingest.Tests.Postgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Ingest.Tests.Catalog;

public sealed class CatalogRefresherTests : CatalogTest
{
    protected override CatalogOptions Options { get; } =
        Public with { RefreshInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task Should_keep_the_tables_through_an_outage_and_log_its_beginning_and_end_once()
    {
        var before = await DescribeAsync("create table t (a int)");
        using var log = new Journal();
        using var refresher = new CatalogRefresher(Catalog, Options, TimeProvider.System, log);

        await AllowConnectionsAsync(false);
        for (var i = 0; i < 3; i++) await refresher.RefreshAsync(CancellationToken.None);
        Assert.Same(before, Assert.Single(Catalog.Tables));
        await AllowConnectionsAsync(true);
        for (var i = 0; i < 3; i++) await refresher.RefreshAsync(CancellationToken.None);

        Assert.Equal([LogLevel.Warning, LogLevel.Information], log.Levels);
        Assert.Same(before, Assert.Single(Catalog.Tables));
    }

    [Fact]
    public async Task Should_go_on_by_itself_after_an_outage()
    {
        using var log = new Journal();
        using var refresher = new CatalogRefresher(Catalog, Options, TimeProvider.System, log);
        await Database.ExecuteAsync("create table t (a int)");
        await AllowConnectionsAsync(false);

        await refresher.StartAsync(CancellationToken.None);
        await log.First.WaitAsync(TimeSpan.FromSeconds(20));
        await AllowConnectionsAsync(true);
        await log.Second.WaitAsync(TimeSpan.FromSeconds(20));
        await refresher.StopAsync(CancellationToken.None);

        Assert.Single(Catalog.Tables);
    }

    private async Task AllowConnectionsAsync(bool isAllowed)
    {
        var name = new NpgsqlConnectionStringBuilder(Database.ConnectionString).Database;
        await using var server = NpgsqlDataSource.Create(await TestServer.ConnectionStringAsync());
        await using var command = server.CreateCommand($"""
            ALTER DATABASE {name} ALLOW_CONNECTIONS {isAllowed};
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'
            """);
        await command.ExecuteNonQueryAsync();
        if (isAllowed) Database.DataSource.Clear();
    }

    /// <summary>Remembers the levels of what is logged, and tells when the first two lines are there.</summary>
    private sealed class Journal : ILogger<CatalogRefresher>, IDisposable
    {
        private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource second = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<LogLevel> Levels { get; } = [];

        public Task First => first.Task;

        public Task Second => second.Task;

        public IDisposable BeginScope<TState>(TState state)
            where TState : notnull => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            Levels.Add(logLevel);
            if (!first.TrySetResult()) second.TrySetResult();
        }

        public void Dispose()
        {
            // Only there to be given out as a scope.
        }
    }
}
