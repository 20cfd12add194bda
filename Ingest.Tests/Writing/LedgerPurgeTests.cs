using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Ingest.Tests.Writing;

public sealed class LedgerPurgeTests : IAsyncLifetime
{
    private static readonly WritingOptions Options =
        TestWriting.Options with { LockTimeout = TimeSpan.FromSeconds(1) };

    private TestDatabase database = null!;
    private NpgsqlDataSource dataSource = null!;
    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        dataSource = Database.CreateDataSource(database.ConnectionString, Options);
        await Database.PrepareAsync(dataSource, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Should_remove_what_is_older_than_the_retention_and_nothing_else()
    {
        await database.ExecuteAsync("""
            INSERT INTO ingest.ledger SELECT 't/' || n, gen_random_uuid(), n, now() - n * interval '1 hour'
            FROM generate_series(1, 48) AS n;
            INSERT INTO ingest.exceptions (lane, gateway, first_position, last_position, settled_at)
            SELECT 't/0', gen_random_uuid(), n, n, now() - n * interval '1 hour' FROM generate_series(1, 48) AS n;
            INSERT INTO ingest.idempotency (table_name, key, digest, row_id, claimed_at)
            SELECT 't', 'key ' || n, gen_random_uuid(), '1', now() - n * interval '1 hour'
            FROM generate_series(1, 48) AS n;
            """);

        // 24 hours and a moment: what is exactly as old as the retention is a moment older by now.
        Assert.Equal(3 * 25, await PurgeAsync());

        Assert.Equal(23L, await CountAsync("ledger"));
        Assert.Equal(23L, await CountAsync("exceptions"));
        Assert.Equal(23L, await CountAsync("idempotency"));
    }

    [Fact]
    public async Task Should_keep_dead_letters_for_their_own_time_and_replayed_ones_as_long_as_keys()
    {
        await database.ExecuteAsync("""
            INSERT INTO ingest.dead_letters (table_name, payload, sqlstate, message, occurred_at, replayed_at)
            VALUES ('t', '{"n":1}', '23505', 'open', now() - interval '29 days', NULL),
                ('t', '{"n":2}', '23505', 'open', now() - interval '31 days', NULL),
                ('t', NULL, '23505', 'replayed', now() - interval '31 days', now() - interval '23 hours'),
                ('t', NULL, '23505', 'replayed', now() - interval '2 days', now() - interval '25 hours');
            """);

        Assert.Equal(2, await PurgeAsync());

        Assert.Equal("1,3", await database.ScalarAsync<string>(
            "SELECT string_agg(id::text, ',' ORDER BY id) FROM ingest.dead_letters"));
    }

    [Fact]
    public async Task Should_remove_many_in_several_steps()
    {
        await database.ExecuteAsync("""
            INSERT INTO ingest.idempotency (table_name, key, digest, row_id, claimed_at)
            SELECT 't', 'key ' || n, gen_random_uuid(), '1', now() - interval '2 days'
            FROM generate_series(1, 12000) AS n;
            """);

        Assert.Equal(12_000, await PurgeAsync());
    }

    [Fact]
    public async Task Should_leave_the_work_to_the_node_that_is_at_it()
    {
        await database.ExecuteAsync(
            "INSERT INTO ingest.ledger VALUES ('t/0', gen_random_uuid(), 1, now() - interval '2 days')");
        await using var other = await database.DataSource.OpenConnectionAsync();
        await using var turn = await other.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock(483006768997)", other))
            await take.ExecuteNonQueryAsync();

        Assert.Equal(0, await PurgeAsync());
        await turn.RollbackAsync();

        Assert.Equal(1, await PurgeAsync());
    }

    private async Task<long> PurgeAsync()
    {
        using var purge = new LedgerPurge(dataSource, Options, TimeProvider.System, NullLogger<LedgerPurge>.Instance);
        return await purge.PurgeAsync(CancellationToken.None);
    }

    private Task<long> CountAsync(string table) => database.ScalarAsync<long>($"SELECT count(*) FROM ingest.{table}");
}
