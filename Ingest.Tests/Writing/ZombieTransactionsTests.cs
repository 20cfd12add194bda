using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Writing;

/// <summary>Who waits for the ledger's row of a transaction that nobody will ever end.</summary>
public sealed class ZombieTransactionsTests : IAsyncLifetime
{
    private const string Move = "UPDATE ingest.ledger SET position = position + 1";

    private static readonly WritingOptions Options =
        TestWriting.Options with { LockTimeout = TimeSpan.FromSeconds(4) };

    private TestDatabase database = null!;
    private NpgsqlDataSource dataSource = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        dataSource = Database.CreateDataSource(database.ConnectionString, Options);
        await Database.PrepareAsync(dataSource, CancellationToken.None);
        await database.ExecuteAsync("INSERT INTO ingest.ledger (lane, gateway, position) "
            + "VALUES ('items/0', '11111111-1111-1111-1111-111111111111', 1)");
    }

    public async Task DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_end_a_transaction_that_has_outlived_its_attempt()
    {
        await using var zombie = await BlockAsync($"BEGIN; {Move}");

        await MoveAsync(TimeSpan.FromMilliseconds(500));

        Assert.Equal(2, await database.ScalarAsync<long>("SELECT position FROM ingest.ledger"));
        await using var commit = new NpgsqlCommand("COMMIT", zombie);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => commit.ExecuteNonQueryAsync());
    }

    [Fact]
    public async Task Should_leave_a_transaction_alone_whose_attempt_may_still_be_under_way()
    {
        await using var other = await BlockAsync($"BEGIN; {Move}");

        var error = await Assert.ThrowsAsync<PostgresException>(() => MoveAsync(TimeSpan.FromMinutes(1)));

        Assert.Equal(PostgresErrorCodes.LockNotAvailable, error.SqlState);
    }

    [Fact]
    public async Task Should_leave_somebody_alone_who_has_locked_the_whole_ledger()
    {
        await using var administrator = await BlockAsync("BEGIN; LOCK TABLE ingest.ledger");

        var error = await Assert.ThrowsAsync<PostgresException>(() => MoveAsync(TimeSpan.FromMilliseconds(500)));

        Assert.Equal(PostgresErrorCodes.LockNotAvailable, error.SqlState);
    }

    private async Task<NpgsqlConnection> BlockAsync(string sql)
    {
        var connection = await database.DataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private async Task MoveAsync(TimeSpan age)
    {
        await using var connection = await dataSource.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(Move, connection);
        await ZombieTransactions.EndUntilAsync(
            command.ExecuteNonQueryAsync(), dataSource, connection.ProcessID, age, CancellationToken.None);
    }
}
