using System.Diagnostics;
using System.Runtime.Serialization;
using Google.Protobuf;

namespace Ingest.Messages.Wire;

/// <summary>The span of a request in 25 bytes: trace id, span id, flags (W3C Trace Context, section 3.2).</summary>
internal static class TraceContext
{
    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;
    private const int Bytes = TraceIdBytes + SpanIdBytes + 1;

    public static ByteString Encode(ActivityContext context)
    {
        var bytes = new byte[Bytes];
        context.TraceId.CopyTo(bytes.AsSpan(0, TraceIdBytes));
        context.SpanId.CopyTo(bytes.AsSpan(TraceIdBytes, SpanIdBytes));
        bytes[^1] = (byte)context.TraceFlags;
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <exception cref="SerializationException">It has another length.</exception>
    public static ActivityContext Decode(ByteString wire)
    {
        LaneRules.Require(wire.Length == Bytes, "a trace's context has 25 bytes");
        var bytes = wire.Span;
        return new ActivityContext(
            ActivityTraceId.CreateFromBytes(bytes[..TraceIdBytes]),
            ActivitySpanId.CreateFromBytes(bytes.Slice(TraceIdBytes, SpanIdBytes)),
            (ActivityTraceFlags)bytes[^1],
            isRemote: true);
    }
}
