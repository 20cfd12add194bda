using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Ingest.Messages;
using Ingest.Messages.Api.V1;
using Ingest.Node.Gateway;
using Ingest.Tests.Http;

namespace Ingest.Tests.Grpc;

public sealed class CreateTests : IAsyncLifetime
{
    private readonly ScriptedGateway gateway = new();
    private TestGrpcServer server = null!;

    public async Task InitializeAsync() =>
        server = await TestGrpcServer.StartAsync(gateway, new FixedCatalog(TestTables.Clicks()));

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        // Whatever was answered, what was rented has come back.
        Assert.Equal(0, gateway.Outstanding);
    }

    [Fact]
    public async Task Should_answer_a_json_row_and_a_typed_row_with_their_ids()
    {
        var id = Guid.NewGuid();
        var json = Row($$"""{"id":"{{id}}","url":"u"}""");
        var typed = new CreateRequest { Table = "clicks", Values = new Values() };
        typed.Values.Columns["id"] = new Value { BytesValue = ByteString.CopyFrom(id.ToByteArray(bigEndian: true)) };
        typed.Values.Columns["url"] = new Value { TextValue = "u" };
        typed.Values.Columns["amount"] = new Value();

        Assert.Equal(id.ToString(), (await server.Client.CreateAsync(json)).Id.TextValue);
        Assert.Equal(id.ToString(), (await server.Client.CreateAsync(typed)).Id.TextValue);
        Assert.Equal(2, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_name_each_column_that_is_at_fault()
    {
        var error = await RefusalAsync(Row("""{"user_id":"seven","colour":"red"}"""));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal("ROW_INVALID", InfoOf(error).Reason);
        Assert.Equal(
            ["user_id", "colour", "url"],
            error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field));
        Assert.Equal(1, gateway.InvalidRows);
    }

    [Theory]
    [InlineData("23505", StatusCode.AlreadyExists, "ROW_REJECTED")]
    [InlineData("23503", StatusCode.FailedPrecondition, "ROW_REJECTED")]
    [InlineData("22007", StatusCode.InvalidArgument, "ROW_REJECTED")]
    [InlineData("42501", StatusCode.PermissionDenied, "ROW_REJECTED")]
    [InlineData("42P01", StatusCode.FailedPrecondition, "ROW_REJECTED")]
    [InlineData(RowKey.Mismatch, StatusCode.FailedPrecondition, "KEY_REUSED")]
    public async Task Should_say_why_postgresql_refused_the_row(string sqlState, StatusCode code, string reason)
    {
        gateway.Script = _ => Verdict.Rejected(new Rejection(sqlState, "No.", "some_constraint", "some_column"));

        var error = await RefusalAsync(Row("""{"url":"u"}"""));

        Assert.Equal(code, error.StatusCode);
        var info = InfoOf(error);
        Assert.Equal((reason, "ingest"), (info.Reason, info.Domain));
        if (reason == "KEY_REUSED") return;
        Assert.Equal(sqlState, info.Metadata["sqlstate"]);
        Assert.Equal("some_constraint", info.Metadata["constraint"]);
        Assert.Equal("some_column", info.Metadata["column"]);
    }

    [Theory]
    [InlineData(VerdictKind.NotWritten, StatusCode.Unavailable, "ROW_NOT_WRITTEN", true)]
    [InlineData(VerdictKind.Unknown, StatusCode.DeadlineExceeded, "OUTCOME_UNKNOWN", false)]
    public async Task Should_say_whether_the_row_may_be_sent_again(
        VerdictKind kind, StatusCode code, string reason, bool mayRetry)
    {
        gateway.Script = _ => new Verdict(kind);

        var error = await RefusalAsync(Row("""{"url":"u"}"""));

        Assert.Equal((code, reason), (error.StatusCode, InfoOf(error).Reason));
        Assert.Equal(mayRetry ? 3 : null, error.GetRpcStatus()!.GetDetail<RetryInfo>()?.RetryDelay.Seconds);
    }

    [Theory]
    [InlineData(Admission.Full, StatusCode.ResourceExhausted, "OVERLOADED")]
    [InlineData(Admission.Closing, StatusCode.Unavailable, "NODE_CLOSING")]
    public async Task Should_refuse_what_is_not_admitted(Admission admission, StatusCode code, string reason)
    {
        gateway.Admission = admission;

        var error = await RefusalAsync(Row("""{"url":"u"}"""));

        Assert.Equal((code, reason), (error.StatusCode, InfoOf(error).Reason));
        Assert.Equal(3, error.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.Seconds);
        Assert.Equal(0, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_refuse_a_request_that_cannot_be_meant()
    {
        var withKey = Row("""{"url":"u"}""");
        withKey.IdempotencyKey = "two words";

        Assert.Equal("REQUEST_INVALID", InfoOf(await RefusalAsync(new CreateRequest { Table = "clicks" })).Reason);
        Assert.Equal("REQUEST_INVALID", InfoOf(await RefusalAsync(withKey)).Reason);
        var tooLarge = await RefusalAsync(Row($$"""{"url":"{{new string('x', 10_001)}}"}"""));
        Assert.Equal((StatusCode.InvalidArgument, "ROW_TOO_LARGE"), (tooLarge.StatusCode, InfoOf(tooLarge).Reason));
        var unknown = await RefusalAsync(new CreateRequest { Table = "click", Json = ByteString.CopyFromUtf8("{}") });
        Assert.Equal((StatusCode.NotFound, "TABLE_UNKNOWN"), (unknown.StatusCode, InfoOf(unknown).Reason));
        Assert.Contains("clicks", unknown.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_keep_the_details_of_a_row_with_very_many_errors_small_enough_for_a_trailer()
    {
        var members = string.Join(',', Enumerable.Range(0, 300).Select(i => $"\"column_{i}\":1"));

        var error = await RefusalAsync(Row($$"""{{{members}}}"""));

        var details = error.Trailers.First(entry => entry.Key == MetadataExtensions.StatusDetailsTrailerName);
        Assert.InRange(details.ValueBytes.Length, 1_000, 6_000);
        Assert.Equal("column_0", error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations[0].Field);
    }

    [Fact]
    public async Task Should_refuse_a_message_that_is_no_protobuf()
    {
        var raw = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "ingest.v1.Ingest", "Create", raw, raw);

        byte[][] broken =
            [[0x0A], [0x0A, 0x05, 0x41], [0x00], [0x0B], [0x10], [.. Enumerable.Repeat((byte)0xFF, 12)]];
        foreach (var garbage in broken)
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => server.Channel.CreateCallInvoker()
                .AsyncUnaryCall(method, null, default, garbage).ResponseAsync);
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        }
    }

    private static ErrorInfo InfoOf(RpcException error) => error.GetRpcStatus()!.GetDetail<ErrorInfo>()!;

    private static CreateRequest Row(string json) =>
        new() { Table = "clicks", Json = ByteString.CopyFromUtf8(json) };

    private async Task<RpcException> RefusalAsync(CreateRequest request) =>
        await Assert.ThrowsAsync<RpcException>(() => server.Client.CreateAsync(request).ResponseAsync);
}
