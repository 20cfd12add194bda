using System.Buffers;
using Grpc.Core;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// The bytes of one request message, in a rented buffer: rows are encoded from where they lie, and no object is made
/// for any part of them. Dispose it once.
/// </summary>
internal sealed class Payload : IDisposable
{
    private byte[]? buffer;
    private readonly int length;

    private Payload(byte[] buffer, int length)
    {
        this.buffer = buffer;
        this.length = length;
    }

    public ReadOnlySpan<byte> Span => buffer.AsSpan(0, length);

    /// <summary>For gRPC: what a message of a request becomes.</summary>
    public static Payload Read(DeserializationContext context)
    {
        var message = context.PayloadAsReadOnlySequence();
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(context.PayloadLength, 1));
        message.CopyTo(buffer);
        return new Payload(buffer, context.PayloadLength);
    }

    /// <summary>A part of it, as encoders take their rows.</summary>
    public ReadOnlySequence<byte> Slice(Piece piece) => new(buffer!, piece.Start, piece.Length);

    public void Dispose()
    {
        if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
    }
}
