using System.Globalization;
using Ingest.Messages.Client;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>The client of a node that dies under it.</summary>
public sealed class ReconnectTests : IAsyncLifetime
{
    private TestDatabase database = null!;

    public async Task InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        // Without a key: a row that is written twice is there twice.
        await database.ExecuteAsync("CREATE TABLE numbered(n int NOT NULL)");
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_write_each_row_once_though_the_node_is_killed_and_started_again()
    {
        const int rows = 20_000;
        var port = FreePort.Take().ToString(CultureInfo.InvariantCulture);
        (string, string)[] settings =
        [
            ("INGEST_POSTGRES", database.ConnectionString), ("INGEST_GRPC_PORT", port), ("INGEST_FLUSH_EVERY", "500"),
        ];
        await using var client = new IngestClient(new IngestClientOptions
        {
            Address = $"http://127.0.0.1:{port}",
            MaxRowsInFlight = 2_000,
        });
        var written = 0;
        var first = await NodeProcess.StartAsync(settings);

        var writing = Task.Run(async () =>
        {
            await foreach (var result in client.CreateManyAsync("numbered", Rows()))
                if (result.IsWritten) Interlocked.Increment(ref written);
        });
        await Eventually.TrueAsync(() => Volatile.Read(ref written) > 2_000);
        await first.KillAsync();
        await first.DisposeAsync();
        await using var second = await NodeProcess.StartAsync(settings);
        await writing.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(rows, written);
        Assert.Equal(
            $"{rows} {rows}",
            await database.ScalarAsync<string>("SELECT count(*) || ' ' || count(DISTINCT n) FROM numbered"));

        static async IAsyncEnumerable<object> Rows()
        {
            for (var n = 0; n < rows; n++)
            {
                // Slow enough that the node dies in the midst of it.
                if (n % 500 == 0) await Task.Delay(TimeSpan.FromMilliseconds(20));
                yield return new { n };
            }
        }
    }
}
