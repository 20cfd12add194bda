using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Writing;

/// <summary>How long a lane waits for the database. Set in <c>hocon/ingest.conf</c>.</summary>
internal sealed record WritingOptions
{
    /// <summary>The longest that one attempt to write a batch may take; a batch whose rows give up sooner takes
    /// less.</summary>
    public required TimeSpan AttemptTimeout { get; init; }

    /// <summary>How long a statement waits for a lock.</summary>
    public required TimeSpan LockTimeout { get; init; }

    /// <summary>How long an idempotency key is kept, and with it what the ledger says of rows that are
    /// settled.</summary>
    public required TimeSpan KeyRetention { get; init; }

    /// <summary>How long a dead letter is kept that nobody replays or discards.</summary>
    public required TimeSpan DeadLetterRetention { get; init; }

    /// <summary>Connections of this node at most.</summary>
    [Range(2, 10_000)]
    public required int MaxConnections { get; init; }
}
