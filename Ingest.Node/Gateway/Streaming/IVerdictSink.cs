using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Streaming;

/// <summary>Lays out the verdicts of one stream and sends them; driven by <see cref="VerdictLoop"/> alone.</summary>
internal interface IVerdictSink
{
    /// <summary>So much is laid out that it is to be sent.</summary>
    bool IsFull { get; }

    /// <summary>Lays out the verdicts of a chunk that is settled.</summary>
    void Write(Chunk chunk);

    /// <summary>Lays out what comes behind the last verdict.</summary>
    /// <param name="ending">Why the stream ended early; null where it ended in order.</param>
    void Close(Problem? ending);

    /// <summary>Sends what is laid out, and waits while the caller does not read. Does nothing, and throws nothing,
    /// once the caller is gone.</summary>
    ValueTask SendAsync();
}
