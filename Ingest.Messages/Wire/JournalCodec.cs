using System.Runtime.Serialization;
using Google.Protobuf;

namespace Ingest.Messages.Wire;

/// <summary>
/// Turns events of a lane's journal into protobuf and back. Rows carry a checksum: protobuf would take flipped bytes
/// within a tuple for another row.
/// </summary>
internal static class JournalCodec
{
    private static readonly MessageParser<V1.Envelope> Envelopes = V1.Envelope.Parser.WithDiscardUnknownFields(true);

    public static IMessage Encode(JournalEvents.RowsTaken taken)
    {
        var envelope = LaneEncoder.Encode(taken.Envelope).ToByteArray();
        return new V1.RowsTaken
        {
            Checksum = Crc32C.Of(envelope),
            Envelope = UnsafeByteOperations.UnsafeWrap(envelope),
        };
    }

    public static IMessage Encode(JournalEvents.LaneOpened opened) =>
        new V1.LaneOpened { Table = opened.Lane.Table, Number = opened.Lane.Number };

    /// <exception cref="SerializationException">The event is not what was written.</exception>
    public static JournalEvents.RowsTaken Decode(V1.RowsTaken wire, LaneDecoder decoder)
    {
        if (Crc32C.Of(wire.Envelope.Span) != wire.Checksum)
            throw new SerializationException("The checksum of journaled rows is wrong.");
        return new JournalEvents.RowsTaken(decoder.Decode(Envelopes.ParseFrom(wire.Envelope)));
    }

    public static JournalEvents.LaneOpened Decode(V1.LaneOpened wire) => new(new LaneId(wire.Table, wire.Number));
}
