using Npgsql;

namespace Ingest.Tests.Postgres;

public sealed class OwnServerTests
{
    [Fact]
    public async Task Should_come_back_on_its_port_after_a_stop_and_after_a_kill()
    {
        await using var server = await OwnServer.StartAsync();
        await ExecuteAsync(server, "INSERT INTO clicks(url) VALUES ('first')");

        await server.StopImmediateAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(server, "SELECT 1"));
        await server.StartAgainAsync();
        await ExecuteAsync(server, "INSERT INTO clicks(url) VALUES ('second')");

        await server.KillAsync();
        await server.StartAgainAsync();
        await ExecuteAsync(server, "DO $$ BEGIN ASSERT (SELECT count(*) FROM clicks) = 2; END $$");
    }

    private static async Task ExecuteAsync(OwnServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
