using System.Reflection;
using System.Text.RegularExpressions;
using Ingest.Messages.Client;

namespace Ingest.Tests.Client;

/// <summary>What producers compile against. A line that goes breaks them; a new one is to be meant.</summary>
public sealed partial class PublicApiTests
{
    private const string Approved = """
        CreateError: IReadOnlyList[ValueTuple[String,String]] Columns
        CreateError: Int32 Code
        CreateError: String Constraint
        CreateError: String Message
        CreateError: String Reason
        CreateError: String SqlState
        CreateError: String ToString()
        CreateError: Void .ctor(Int32, String, String)
        CreateOutcome: CreateOutcome Accepted
        CreateOutcome: CreateOutcome Committed
        CreateOutcome: CreateOutcome NotWritten
        CreateOutcome: CreateOutcome Rejected
        CreateOutcome: CreateOutcome Unknown
        CreateResult: Boolean IsWritten
        CreateResult: CreateError Error
        CreateResult: CreateOutcome Outcome
        CreateResult: RowId Id
        CreateResult: String Receipt
        CreateResult: String ToString()
        CreateResult: Void .ctor(CreateOutcome, RowId, String, CreateError)
        IngestClient: IAsyncEnumerable[CreateResult] CreateManyAsync[T](String, IAsyncEnumerable[T], CancellationToken)
        IngestClient: Task[CreateResult] CreateAsync[T](String, T, String, CancellationToken)
        IngestClient: ValueTask DisposeAsync()
        IngestClient: Void .ctor(IngestClientOptions)
        IngestClient: Void .ctor(String)
        IngestClientOptions: Boolean IdempotencyKeys
        IngestClientOptions: Func[CancellationToken,ValueTask[String]] Token
        IngestClientOptions: HttpMessageHandler Handler
        IngestClientOptions: Int32 MaxRowsInFlight
        IngestClientOptions: Int64 MaxBytesInFlight
        IngestClientOptions: JsonSerializerOptions Json
        IngestClientOptions: Nullable[Acknowledge] Acknowledge
        IngestClientOptions: String Address
        IngestClientOptions: String ApiKey
        IngestClientOptions: TimeProvider Time
        IngestClientOptions: TimeSpan RetryFor
        IngestClientOptions: Void .ctor()
        RowId: Boolean IsNone
        RowId: Nullable[Guid] Uuid
        RowId: Nullable[Int64] Number
        RowId: String Json
        RowId: String ToString()
        """;

    [Fact]
    public void Should_be_what_was_approved()
    {
        var described = string.Join('\n', Describe().Order(StringComparer.Ordinal));

        Assert.True(described == Approved, $"It is now:\n{described}\n");
    }

    private static IEnumerable<string> Describe() =>
        from type in typeof(IngestClient).Assembly.GetExportedTypes()
        where type.Namespace == typeof(IngestClient).Namespace
        from member in type.GetMembers(
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where !IsOfRecord(member)
        select $"{type.Name}: {Clutter().Replace(member.ToString()!, "")}";

    [GeneratedRegex(@"\b(?:\w+\.)+(?=\w)|`\d")]
    private static partial Regex Clutter();

    /// <summary>What the compiler adds to records and enums goes with their kind.</summary>
    private static bool IsOfRecord(MemberInfo member) => member.Name is "Equals" or "GetHashCode" or "<Clone>$"
        or "Deconstruct" or "op_Equality" or "op_Inequality" or "value__" or "PrintMembers"
        || (member is MethodInfo { IsSpecialName: true });
}
