using System.Text.Json;

namespace Ingest.Messages.Client;

/// <summary>What a client is to know.</summary>
public sealed class IngestClientOptions
{
    /// <summary>Where the node, or what stands before several, serves gRPC: <c>http://localhost:8081</c>.</summary>
    public required string Address { get; init; }

    /// <summary>The key that says who calls; null where the node asks nobody, or takes tokens.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Gives the token that says who calls; asked each time that a stream is opened.</summary>
    public Func<CancellationToken, ValueTask<string>>? Token { get; init; }

    /// <summary>When a row is answered, where a call does not say: once it is committed, or once it is in the journal.
    /// Null for the table's own level.</summary>
    public Acknowledge? Acknowledge { get; init; }

    /// <summary>Rows that wait for their results at most; who creates another one waits until there is room.</summary>
    public int MaxRowsInFlight { get; init; } = 16_384;

    /// <summary>Bytes of rows that wait for their results at most, but for one row that alone is larger.</summary>
    public long MaxBytesInFlight { get; init; } = 64 * 1024 * 1024;

    /// <summary>For how long a row that was not written, or of which nothing was heard, is tried again.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Gives each row a key of its own, so that a row that is sent again after a broken connection is written once. It
    /// costs the node a further row in a table of keys. Without it, such a row is not sent again, and its result is
    /// <see cref="CreateOutcome.Unknown"/>; so is that of a row whose outcome the node does not know.
    /// </summary>
    public bool IdempotencyKeys { get; init; } = true;

    /// <summary>How objects become JSON. The members' names are the columns'.</summary>
    public JsonSerializerOptions Json { get; init; } = JsonSerializerOptions.Default;

    /// <summary>What sends the requests, for certificates and proxies of one's own; null for one that keeps idle
    /// connections alive. It is not disposed.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
