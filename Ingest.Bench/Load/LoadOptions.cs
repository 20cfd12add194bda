using System.Text.Json.Nodes;

namespace Ingest.Bench.Load;

/// <summary>The way that rows take into the node.</summary>
public enum LoadVia
{
    /// <summary>One JSON row a request over keep-alive HTTP/1.1.</summary>
    Http,

    /// <summary>One endless request a connection, a JSON row a line, verdicts read at the same time.</summary>
    Ndjson,

    /// <summary>One CreateStream call a connection, some hundreds of JSON rows a message.</summary>
    Grpc,

    /// <summary>One JSON row a Create call; all callers share one connection.</summary>
    GrpcUnary,
}

/// <summary>Rows that are to be refused.</summary>
/// <param name="Spoil">Makes a bad row of a good one; the number tells one from another.</param>
/// <param name="Every">One row in so many.</param>
public sealed record BadRows(Action<JsonObject, int> Spoil, int Every);

/// <summary>What a load is to do. Times are bounds on one row or one connection, never on the whole load.</summary>
public sealed record LoadOptions
{
    /// <summary>The rows to be committed.</summary>
    public long Rows { get; init; } = 1_500_000;

    public LoadVia Via { get; init; } = LoadVia.Http;

    /// <summary>Rows per second in all (open loop); null sends each row when the last was answered (closed
    /// loop).</summary>
    public double? Rate { get; init; }

    public int Connections { get; init; } = 128;

    /// <summary>Rows in flight on one stream, at most.</summary>
    public int Window { get; init; } = 4_096;

    /// <summary>The table's served name. The rows have the columns of the demo table <c>clicks</c>.</summary>
    public string Table { get; init; } = "clicks";

    public Uri Url { get; init; } = DefaultUrl(LoadVia.Http);

    /// <summary>Rows that the table refuses, among the others; null: none.</summary>
    public BadRows? Bad { get; init; }

    /// <summary>Further request headers, each as <c>Name: value</c>.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>How long an answer may take before its connection is given up and the row counts as
    /// unanswered.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a row that is refused (429, 503), or a server that is not there, is tried again.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an interrupted load waits for the answers to what it has sent.</summary>
    public TimeSpan StopWithin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The connections that suit a way in: many for single requests, few for streams.</summary>
    public static int DefaultConnections(LoadVia via) => via is LoadVia.Http or LoadVia.GrpcUnary ? 128 : 2;

    /// <summary>Where a node listens for a way in by default.</summary>
    public static Uri DefaultUrl(LoadVia via) => via is LoadVia.Grpc or LoadVia.GrpcUnary
        ? new("http://localhost:8081")
        : new("http://localhost:8080");
}
