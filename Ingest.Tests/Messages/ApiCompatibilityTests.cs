using Google.Protobuf.Reflection;
using Ingest.Messages.Api.V1;

namespace Ingest.Tests.Messages;

/// <summary>
/// The gRPC interface is extend-only: what callers were built against must stay as it was. Each line below is a
/// promise; who adds a field adds its line, and no line is ever changed or taken away.
/// </summary>
public sealed class ApiCompatibilityTests
{
    private const string Promised = """
        rpc Create(ingest.v1.CreateRequest) returns (ingest.v1.CreateResponse)
        rpc CreateStream(stream ingest.v1.CreateStreamRequest) returns (stream ingest.v1.CreateStreamResponse)
        ingest.v1.Acknowledge ACKNOWLEDGE_UNSPECIFIED = 0
        ingest.v1.Acknowledge ACKNOWLEDGE_COMMITTED = 1
        ingest.v1.Acknowledge ACKNOWLEDGE_ACCEPTED = 2
        ingest.v1.Null NULL_VALUE = 0
        ingest.v1.Outcome OUTCOME_UNSPECIFIED = 0
        ingest.v1.Outcome OUTCOME_COMMITTED = 1
        ingest.v1.Outcome OUTCOME_ACCEPTED = 2
        ingest.v1.Outcome OUTCOME_REJECTED = 3
        ingest.v1.Outcome OUTCOME_NOT_WRITTEN = 4
        ingest.v1.Outcome OUTCOME_UNKNOWN = 5
        ingest.v1.CreateRequest String table = 1
        ingest.v1.CreateRequest Bytes json = 2 in row
        ingest.v1.CreateRequest ingest.v1.Values values = 3 in row
        ingest.v1.CreateRequest ingest.v1.Acknowledge acknowledge = 4
        ingest.v1.CreateRequest String idempotency_key = 5
        ingest.v1.CreateResponse ingest.v1.Value id = 1
        ingest.v1.CreateResponse String receipt = 2
        ingest.v1.Values map ingest.v1.Values.ColumnsEntry columns = 1
        ingest.v1.Values.ColumnsEntry String key = 1
        ingest.v1.Values.ColumnsEntry ingest.v1.Value value = 2
        ingest.v1.Value ingest.v1.Null null_value = 1 in kind
        ingest.v1.Value Bool bool_value = 2 in kind
        ingest.v1.Value Int64 int_value = 3 in kind
        ingest.v1.Value Double float_value = 4 in kind
        ingest.v1.Value String text_value = 5 in kind
        ingest.v1.Value Bytes bytes_value = 6 in kind
        ingest.v1.Value Bytes json_value = 7 in kind
        ingest.v1.Header String table = 1
        ingest.v1.Header repeated String columns = 2
        ingest.v1.Header ingest.v1.Acknowledge acknowledge = 3
        ingest.v1.Header String idempotency_key = 4
        ingest.v1.Header Bool omit_ids = 5
        ingest.v1.CreateStreamRequest ingest.v1.Header header = 1
        ingest.v1.CreateStreamRequest UInt64 first = 2
        ingest.v1.CreateStreamRequest repeated Bytes json = 3
        ingest.v1.CreateStreamRequest repeated ingest.v1.Record records = 4
        ingest.v1.CreateStreamRequest repeated String idempotency_keys = 5
        ingest.v1.Record repeated ingest.v1.Value values = 1
        ingest.v1.CreateStreamResponse repeated ingest.v1.Verdicts verdicts = 1
        ingest.v1.Verdicts UInt64 first = 1
        ingest.v1.Verdicts UInt64 count = 2
        ingest.v1.Verdicts ingest.v1.Outcome outcome = 3
        ingest.v1.Verdicts ingest.v1.Ids ids = 4
        ingest.v1.Verdicts ingest.v1.Error error = 5
        ingest.v1.Verdicts repeated String receipts = 6
        ingest.v1.Ids Bytes uuids = 1
        ingest.v1.Ids repeated Int64 integers = 2
        ingest.v1.Ids repeated Bytes json = 3
        ingest.v1.Error Int32 code = 1
        ingest.v1.Error String reason = 2
        ingest.v1.Error String message = 3
        ingest.v1.Error repeated ingest.v1.Violation violations = 4
        ingest.v1.Error String sqlstate = 5
        ingest.v1.Error String constraint = 6
        ingest.v1.Error String column = 7
        ingest.v1.Violation String column = 1
        ingest.v1.Violation String message = 2
        """;

    [Fact]
    public void Should_keep_every_method_field_and_value_that_was_published()
    {
        var missing = Lines(Promised).Except(Describe());

        Assert.True(!missing.Any(), $"Callers rely on these:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Should_have_a_promise_for_every_method_field_and_value()
    {
        var added = Describe().Except(Lines(Promised));

        Assert.True(!added.Any(), $"Add these lines to {nameof(Promised)}:\n{string.Join('\n', added)}");
    }

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<string> Describe()
    {
        var file = IngestReflection.Descriptor;
        return file.Services.SelectMany(DescribeService)
            .Concat(file.EnumTypes.SelectMany(DescribeEnum))
            .Concat(file.MessageTypes.SelectMany(DescribeMessage));
    }

    private static IEnumerable<string> DescribeService(ServiceDescriptor service) => service.Methods.Select(method =>
        $"rpc {method.Name}({Streamed(method.IsClientStreaming)}{method.InputType.FullName}) "
        + $"returns ({Streamed(method.IsServerStreaming)}{method.OutputType.FullName})");

    private static string Streamed(bool isStream) => isStream ? "stream " : "";

    private static IEnumerable<string> DescribeEnum(EnumDescriptor type) =>
        type.Values.Select(value => $"{type.FullName} {value.Name} = {value.Number}");

    private static IEnumerable<string> DescribeMessage(MessageDescriptor message) => message.Fields.InDeclarationOrder()
        .Select(field =>
        {
            var label = field.IsMap ? "map " : field.IsRepeated ? "repeated " : "";
            var type = field.FieldType switch
            {
                FieldType.Message => field.MessageType.FullName,
                FieldType.Enum => field.EnumType.FullName,
                var scalar => scalar.ToString(),
            };
            var oneof = field.RealContainingOneof is { } one ? $" in {one.Name}" : "";
            return $"{message.FullName} {label}{type} {field.Name} = {field.FieldNumber}{oneof}";
        })
        .Concat(message.EnumTypes.SelectMany(DescribeEnum))
        .Concat(message.NestedTypes.SelectMany(DescribeMessage));
}
