using System.Collections.Concurrent;
using System.Threading.Channels;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Streaming;

/// <summary>
/// The chunks of one stream on their way from the reading loop to the writing loop, in order. Bounded: a caller that
/// does not read its verdicts is not read from either.
/// </summary>
internal sealed class ChunkQueue(int capacity)
{
    private readonly ConcurrentQueue<Chunk> free = new();

    private readonly Channel<Chunk> channel = Channel.CreateBounded<Chunk>(
        new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });

    /// <summary>Why the stream ended early; null where it ended in order. Set before the queue is complete.</summary>
    public Problem? Ending { get; private set; }

    public Chunk RentChunk() => free.TryDequeue(out var chunk) ? chunk : new Chunk();

    public void ReturnChunk(Chunk chunk)
    {
        chunk.Clear();
        free.Enqueue(chunk);
    }

    /// <summary>Waits until <see cref="Put"/> will find room.</summary>
    public ValueTask<bool> WaitForRoomAsync() => channel.Writer.WaitToWriteAsync(CancellationToken.None);

    public void Put(Chunk chunk)
    {
        if (!channel.Writer.TryWrite(chunk))
            throw new InvalidOperationException("The only writer of the queue found no room after waiting for it.");
    }

    public void Complete(Problem? ending)
    {
        Ending = ending;
        channel.Writer.TryComplete();
    }

    /// <summary>The writing loop has failed: nobody will take chunks any more, so nobody shall wait for room.</summary>
    public void Abandon(Exception cause) => channel.Writer.TryComplete(cause);

    public bool TryTake(out Chunk? chunk) => channel.Reader.TryRead(out chunk);

    /// <summary>Waits for a chunk.</summary>
    /// <returns>False when the queue is complete and empty.</returns>
    public ValueTask<bool> WaitForChunkAsync() => channel.Reader.WaitToReadAsync(CancellationToken.None);
}
