using System.Text.Json;
using Ingest.Messages;
using Ingest.Messages.Client;
using Ingest.Tests.Grpc;
using Ingest.Tests.Http;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Client;

public sealed class IngestClientTests : IAsyncLifetime
{
    private readonly ScriptedGateway gateway = new();
    private TestGrpcServer server = null!;

    private string Address => $"http://{server.Channel.Target}";

    public async Task InitializeAsync() => server = await TestGrpcServer.StartAsync(
        gateway, new FixedCatalog(TestTables.Clicks(), TestTables.Clicks("others")));

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        Assert.Equal(0, gateway.Outstanding);
    }

    [Fact]
    public async Task Should_give_each_call_its_own_result()
    {
        gateway.Script = row => row % 10 == 3
            ? Verdict.Rejected(new Rejection("23505", "There.", "pk"))
            : Verdict.Committed;
        await using var client = new IngestClient(Address);
        var ids = Enumerable.Range(0, 2_000).Select(_ => Guid.NewGuid()).ToArray();

        var results = await Task.WhenAll(ids.Select((id, i) => client.CreateAsync(
            i % 2 == 0 ? "clicks" : "others", new { id, url = i % 100 == 7 ? null : "u" })));

        for (var i = 0; i < ids.Length; i++)
        {
            if (i % 100 == 7)
                Assert.Equal(("ROW_INVALID", "url"), (results[i].Error!.Reason, results[i].Error!.Columns[0].Column));
            else if (results[i].IsWritten)
                Assert.Equal(ids[i], results[i].Id.Uuid);
            else
                Assert.Equal(("23505", "pk"), (results[i].Error!.SqlState, results[i].Error!.Constraint));
        }

        Assert.Equal(20, results.Count(result => result.Error?.Reason == "ROW_INVALID"));
        Assert.Equal(198, results.Count(result => result.Error?.Reason == "ROW_REJECTED"));
    }

    [Fact]
    public async Task Should_take_rows_in_every_form()
    {
        await using var client = new IngestClient(Address);
        var json = """{"url":"u","user_id":7}""";

        Assert.True((await client.CreateAsync("clicks", json)).IsWritten);
        Assert.True((await client.CreateAsync("clicks", "{\"url\":\"u\"}"u8.ToArray())).IsWritten);
        Assert.True((await client.CreateAsync("clicks", new Dictionary<string, object> { ["url"] = "u" })).IsWritten);
        Assert.True((await client.CreateAsync("clicks", JsonSerializer.Deserialize<JsonElement>(json))).IsWritten);
        Assert.Equal("ROW_INVALID", (await client.CreateAsync("clicks", 5)).Error!.Reason);
        Assert.Equal("ROW_TOO_LARGE", (await client.CreateAsync("clicks", new byte[4 << 20])).Error!.Reason);
    }

    [Fact]
    public async Task Should_send_a_row_again_that_was_not_written_or_of_which_nobody_knows()
    {
        gateway.Script = row => row switch
        {
            0 => Verdict.NotWritten,
            1 => Verdict.Unknown,
            _ => Verdict.Committed,
        };
        await using var client = new IngestClient(Address);

        Assert.True((await client.CreateAsync("clicks", new { url = "u" })).IsWritten);
        Assert.Equal(3, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_say_that_nobody_knows_where_a_row_without_a_key_may_not_be_sent_again()
    {
        gateway.Script = _ => Verdict.Unknown;
        await using var client = new IngestClient(
            new IngestClientOptions { Address = Address, IdempotencyKeys = false });

        var result = await client.CreateAsync("clicks", new { url = "u" });

        Assert.Equal((CreateOutcome.Unknown, "OUTCOME_UNKNOWN"), (result.Outcome, result.Error!.Reason));
        Assert.Equal(1, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_have_no_more_rows_in_flight_than_it_may()
    {
        await using var client = new IngestClient(
            new IngestClientOptions { Address = Address, MaxRowsInFlight = 10 });
        using var holding = gateway.Hold();
        var calls = Enumerable.Range(0, 25).Select(_ => client.CreateAsync("clicks", new { url = "u" })).ToList();
        await Eventually.TrueAsync(() => gateway.SubmittedRows >= 10);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            client.CreateAsync("clicks", new { url = "late" }, cancellation: patience.Token));
        Assert.Equal(10, gateway.SubmittedRows);
        Assert.DoesNotContain(calls, call => call.IsCompleted);

        for (var left = 25; left > 0;)
        {
            var held = await gateway.TakeHeldAsync();
            left -= held.Rows;
            held.Release();
        }

        Assert.All(await Task.WhenAll(calls), result => Assert.True(result.IsWritten));
        Assert.Equal(25, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_fail_the_rows_of_a_table_that_is_not_there_and_no_others()
    {
        await using var client = new IngestClient(Address);

        var results = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => client.CreateAsync(
            (i % 3) switch { 0 => "clicks", 1 => "nowhere", _ => "others" }, new { url = "u" })));

        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal(i % 3 != 1, results[i].IsWritten);
            if (i % 3 == 1) Assert.Equal("TABLE_UNKNOWN", results[i].Error!.Reason);
        }
    }

    [Fact]
    public async Task Should_give_results_in_the_order_of_the_rows_and_read_no_further_than_it_must()
    {
        var read = 0;
        await using var client = new IngestClient(
            new IngestClientOptions { Address = Address, MaxRowsInFlight = 100 });
        var ids = Enumerable.Range(0, 5_000).Select(_ => Guid.NewGuid()).ToArray();
        var count = 0;

        await foreach (var result in client.CreateManyAsync("clicks", Rows()))
        {
            Assert.Equal(ids[count++], result.Id.Uuid);
            Assert.InRange(read, count, count + 300);
        }

        Assert.Equal(5_000, count);

        async IAsyncEnumerable<object> Rows()
        {
            foreach (var id in ids)
            {
                await Task.CompletedTask;
                read++;
                yield return new { id, url = "u" };
            }
        }
    }

    [Fact]
    public async Task Should_pass_a_failure_of_the_rows_on_behind_the_results_before_it()
    {
        await using var client = new IngestClient(Address);
        var written = 0;

        var failure = await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var result in client.CreateManyAsync("clicks", Rows())) written += result.IsWritten ? 1 : 0;
        });

        Assert.Equal(("The source broke.", 2), (failure.Message, written));

        static async IAsyncEnumerable<string> Rows()
        {
            yield return """{"url":"a"}""";
            yield return """{"url":"b"}""";
            await Task.Yield();
            throw new InvalidDataException("The source broke.");
        }
    }

    [Fact]
    public async Task Should_wait_for_all_results_when_it_is_disposed_and_take_no_more_rows()
    {
        gateway.Holds = true;
        var client = new IngestClient(Address);
        var call = client.CreateAsync("clicks", new { url = "u" });
        var held = await gateway.TakeHeldAsync();

        var closing = client.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.CreateAsync("clicks", new { url = "u" }));
        Assert.False(closing.IsCompleted);
        held.Release();

        await closing;
        Assert.True((await call).IsWritten);
    }

    [Fact]
    public async Task Should_say_that_a_row_was_not_written_where_no_node_can_be_reached()
    {
        await using var client = new IngestClient(new IngestClientOptions
        {
            Address = $"http://127.0.0.1:{FreePort.Take()}",
            RetryFor = TimeSpan.FromMilliseconds(300),
        });

        var result = await client.CreateAsync("clicks", new { url = "u" });

        Assert.Equal((CreateOutcome.NotWritten, "CONNECTION"), (result.Outcome, result.Error!.Reason));
    }

    [Fact]
    public async Task Should_outlive_a_token_that_cannot_be_had()
    {
        var asked = 0;
        await using var client = new IngestClient(new IngestClientOptions
        {
            Address = Address,
            Token = _ => ++asked == 1 ? throw new TimeoutException("No token now.") : ValueTask.FromResult("token"),
        });

        Assert.True((await client.CreateAsync("clicks", new { url = "u" })).IsWritten);
        Assert.Equal(2, asked);
    }
}
