using Google.Protobuf;
using Grpc.Core;
using Ingest.Messages;
using Ingest.Messages.Api.V1;
using Ingest.Node.Gateway;
using Ingest.Tests.Http;
using ApiRecord = Ingest.Messages.Api.V1.Record;

namespace Ingest.Tests.Grpc;

public sealed class CreateStreamTests : IAsyncLifetime
{
    private readonly ScriptedGateway gateway = new();
    private TestGrpcServer server = null!;

    public async Task InitializeAsync() => server = await TestGrpcServer.StartAsync(
        gateway, new FixedCatalog(TestTables.Clicks(), TestTables.Clicks("others")));

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        Assert.Equal(0, gateway.Outstanding);
    }

    [Fact]
    public async Task Should_answer_rows_that_are_alike_with_one_verdict_and_their_ids_in_order()
    {
        var ids = Enumerable.Range(0, 1_500).Select(_ => Guid.NewGuid()).ToArray();
        var messages = ids.Chunk(100).Select((some, i) => Message(
            i == 0 ? new Header { Table = "clicks" } : null,
            [.. some.Select(id => $$"""{"id":"{{id}}","url":"u"}""")]));

        var verdicts = await server.Client.ExchangeAsync([.. messages]);

        Assert.All(verdicts, range => Assert.Equal(Outcome.Committed, range.Outcome));
        Assert.True(verdicts.Count <= 20, $"{verdicts.Count} ranges for 1,500 rows");
        Assert.Equal(1_500, verdicts.ByNumber().Count);
        Assert.Equal(1u, verdicts[0].First);
        Assert.Equal(ids, verdicts.SelectMany(range => UuidsOf(range.Ids)));
    }

    [Fact]
    public async Task Should_give_each_row_its_own_verdict_under_the_number_that_its_caller_chose()
    {
        gateway.Script = row => row == 2 ? Verdict.Rejected(new Rejection("23505", "There.", "pk")) : Verdict.Committed;
        var header = new Header { Table = "clicks", Columns = { "url", "user_id", "at" }, OmitIds = true };
        var mixed = Message(header, """{"url":"a"}""", """{"url":5}""", """{"url":"b"}""");
        mixed.First = 1_000;
        mixed.Records.Add(Record(new Value { TextValue = "c" }, new Value { IntValue = 7 }, new Value()));
        mixed.Records.Add(Record(new Value { TextValue = "c" }));

        var verdicts = await server.Client.ExchangeAsync(mixed, Message(null, """{"url":"d"}"""));

        Assert.Equal(
            [
                (1_000, 1, Outcome.Committed), (1_001, 1, Outcome.Rejected), (1_002, 1, Outcome.Committed),
                (1_003, 1, Outcome.Rejected), (1_004, 1, Outcome.Rejected), (1_005, 1, Outcome.Committed),
            ],
            verdicts.Select(range => ((int)range.First, (int)range.Count, range.Outcome)));
        Assert.All(verdicts, range => Assert.Null(range.Ids));
        Assert.Equal("url", Assert.Single(verdicts[1].Error.Violations).Column);
        Assert.Equal("must be a string, not a number", verdicts[1].Error.Violations[0].Message);
        var rejected = verdicts[3].Error;
        Assert.Equal(
            ((int)StatusCode.AlreadyExists, "ROW_REJECTED", "23505", "pk"),
            (rejected.Code, rejected.Reason, rejected.Sqlstate, rejected.Constraint));
        Assert.Contains("has 1 values where the header has 3", verdicts[4].Error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(VerdictKind.NotWritten, nameof(Outcome.NotWritten), StatusCode.Unavailable)]
    [InlineData(VerdictKind.Unknown, nameof(Outcome.Unknown), StatusCode.DeadlineExceeded)]
    public async Task Should_say_whether_a_row_may_be_sent_again(VerdictKind kind, string outcome, StatusCode code)
    {
        gateway.Script = _ => new Verdict(kind);

        var verdict = Assert.Single(await server.Client.ExchangeAsync(
            Message(new Header { Table = "clicks" }, """{"url":"a"}""")));

        Assert.Equal((outcome, (int)code), (verdict.Outcome.ToString(), verdict.Error.Code));
    }

    [Fact]
    public async Task Should_write_to_another_table_from_the_next_header_on()
    {
        var id = Guid.NewGuid();
        var verdicts = await server.Client.ExchangeAsync(
            Message(new Header { Table = "clicks" }, """{"url":"a"}"""),
            Message(new Header { Table = "others", OmitIds = true }, """{"url":"b"}"""),
            Message(new Header { Table = "clicks" }, $$"""{"url":"a","id":"{{id}}"}"""));

        Assert.Equal([1ul, 2ul, 3ul], verdicts.ByNumber().Keys);
        Assert.Equal(id, UuidsOf(verdicts[^1].Ids).Single());
    }

    [Fact]
    public async Task Should_answer_what_is_there_while_the_caller_keeps_its_side_open()
    {
        using var call = server.Client.CreateStream();
        await call.RequestStream.WriteAsync(Message(new Header { Table = "clicks" }, """{"url":"a"}"""));

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(1u, call.ResponseStream.Current.Verdicts[0].Count);

        await call.RequestStream.WriteAsync(Message(null, """{"url":"b"}"""));
        await call.RequestStream.CompleteAsync();
        Assert.Equal(2u, Assert.Single(await call.ReadAllAsync()).First);
    }

    [Fact]
    public async Task Should_end_with_ok_once_a_caller_that_has_closed_its_side_has_all_verdicts()
    {
        gateway.Holds = true;
        using var call = server.Client.CreateStream();
        await call.RequestStream.WriteAsync(Message(new Header { Table = "clicks" }, """{"url":"a"}"""));
        await call.RequestStream.CompleteAsync();
        var reading = call.ReadAllAsync();
        var held = await gateway.TakeHeldAsync();
        Assert.False(reading.IsCompleted);

        held.Release();

        Assert.Equal(Outcome.Committed, Assert.Single(await reading).Outcome);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Should_not_read_on_while_as_many_rows_as_one_stream_may_have_wait_for_their_verdicts()
    {
        gateway.Holds = true;
        var rows = Enumerable.Repeat("""{"url":"u"}""", 500).ToArray();
        using var call = server.Client.CreateStream();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 400; i++)
                await call.RequestStream.WriteAsync(Message(i == 0 ? new Header { Table = "clicks" } : null, rows));
            await call.RequestStream.CompleteAsync();
        });
        // Eight chunks of at most 512 rows wait in the queue, one is written about, one is being handed on.
        var firstHeld = await gateway.TakeHeldAsync();
        await Task.Delay(500);
        Assert.InRange(gateway.SubmittedRows, 512, 10 * 512);

        var reading = call.ReadAllAsync();
        firstHeld.Release();
        for (var left = 200_000 - firstHeld.Rows; left > 0;)
        {
            var held = await gateway.TakeHeldAsync();
            left -= held.Rows;
            held.Release();
        }

        await sending;
        Assert.Equal(200_000, (await reading).Sum(range => (long)range.Count));
    }

    [Fact]
    public async Task Should_write_and_give_back_what_it_read_from_a_caller_that_cancels()
    {
        gateway.Holds = true;
        using (var call = server.Client.CreateStream())
        {
            await call.RequestStream.WriteAsync(Message(new Header { Table = "clicks" }, """{"url":"a"}"""));
            (await gateway.TakeHeldAsync()).Release();
        }

        await Eventually.TrueAsync(() => gateway.Outstanding == 0);
        Assert.Equal(1, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_end_streams_when_the_node_stops_with_a_verdict_for_all_that_was_read()
    {
        gateway.Holds = true;
        using var call = server.Client.CreateStream();
        await call.RequestStream.WriteAsync(Message(new Header { Table = "clicks" }, """{"url":"a"}"""));
        var held = await gateway.TakeHeldAsync();

        server.Lifetime.StopApplication();
        held.Release();

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(Outcome.Committed, call.ResponseStream.Current.Verdicts[0].Outcome);
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ReadAllAsync());
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal("NODE_CLOSING", error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
    }

    [Fact]
    public async Task Should_refuse_the_rows_and_end_when_the_node_admits_none()
    {
        gateway.Admission = Admission.Closing;
        using var call = server.Client.CreateStream();
        await call.RequestStream.WriteAsync(Message(new Header { Table = "clicks" }, """{"url":"a"}"""));

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(Outcome.NotWritten, call.ResponseStream.Current.Verdicts[0].Outcome);
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ReadAllAsync());
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }

    [Fact]
    public async Task Should_settle_what_came_before_a_message_that_cannot_be_read_then_end()
    {
        var good = Message(new Header { Table = "clicks" }, """{"url":"a"}""");
        var uneven = Message(null, """{"url":"b"}""", """{"url":"c"}""");
        uneven.IdempotencyKeys.Add("one");
        var unknown = Message(new Header { Table = "nowhere" }, "{}");
        var columns = Message(new Header { Table = "clicks", Columns = { "link" } }, "{}");
        var tooLarge = Message(null, new string(' ', 4 * 1024 * 1024));

        await EndsAsync(StatusCode.InvalidArgument, "REQUEST_INVALID", [Message(null, "{}")], verdicts: 0);
        await EndsAsync(StatusCode.InvalidArgument, "REQUEST_INVALID", [good, uneven], verdicts: 1);
        await EndsAsync(StatusCode.NotFound, "TABLE_UNKNOWN", [good, unknown], verdicts: 1);
        await EndsAsync(StatusCode.InvalidArgument, "HEADER_INVALID", [good, columns], verdicts: 1);
        await EndsAsync(StatusCode.InvalidArgument, "REQUEST_INVALID", [good, tooLarge], verdicts: 1);
    }

    [Fact]
    public async Task Should_refuse_a_row_that_is_too_large_and_go_on()
    {
        var large = $$"""{"url":"{{new string('x', 10_001)}}"}""";

        var verdicts = await server.Client.ExchangeAsync(
            Message(new Header { Table = "clicks" }, """{"url":"a"}""", large, """{"url":"b"}"""));

        Assert.Equal([Outcome.Committed, Outcome.Rejected, Outcome.Committed], verdicts.ByNumber().Values);
        Assert.Equal("ROW_TOO_LARGE", verdicts[1].Error.Reason);
    }

    private static CreateStreamRequest Message(Header? header, params string[] rows)
    {
        var message = new CreateStreamRequest { Header = header };
        message.Json.AddRange(rows.Select(ByteString.CopyFromUtf8));
        return message;
    }

    private static ApiRecord Record(params Value[] values)
    {
        var record = new ApiRecord();
        record.Values.AddRange(values);
        return record;
    }

    private static IEnumerable<Guid> UuidsOf(Ids ids) =>
        ids.Uuids.ToByteArray().Chunk(16).Select(bytes => new Guid(bytes, bigEndian: true));

    private async Task EndsAsync(StatusCode code, string reason, CreateStreamRequest[] messages, int verdicts)
    {
        using var call = server.Client.CreateStream();
        try
        {
            foreach (var message in messages) await call.RequestStream.WriteAsync(message);
        }
        catch (RpcException)
        {
            // The node may have ended the call before all was sent; what it said is still to be read.
        }

        var found = 0;
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                found += call.ResponseStream.Current.Verdicts.Sum(range => (int)range.Count);
        });
        Assert.Equal((code, verdicts), (error.StatusCode, found));
        Assert.Equal(reason, error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
    }
}
