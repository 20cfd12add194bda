using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace Ingest.Messages.Wire;

/// <summary>
/// Writes and reads the messages of <see cref="LaneProtocol"/> as protobuf (<c>lane_protocol.proto</c>), for remoting,
/// sharding and the journal. Both directions either give a whole, valid message or throw
/// <see cref="SerializationException"/>; there is nothing in between. Thread-safe.
/// <para>
/// Of a run's tuples one copy is made in each direction: into the array that Akka.NET sends, and out of the one that it
/// received. Equal shapes give one instance on the receiving node.
/// </para>
/// </summary>
public sealed class LaneProtocolSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>
    /// Names this serializer in every message and journal entry, so it must never change, and no other serializer
    /// in the cluster may have it. Akka.NET keeps 0 to 40 for itself.
    /// </summary>
    public const int StableIdentifier = 70151;

    // Manifests are part of the format too: one for each top-level message of lane_protocol.proto.
    private const string EnvelopeManifest = "E";
    private const string ProbeManifest = "P";
    private const string FlushNowManifest = "F";
    private const string SettledManifest = "S";
    private const string ExpectedManifest = "X";
    private const string RowsTakenManifest = "J";
    private const string LaneOpenedManifest = "O";

    // A field that this version does not know came from a newer node, and nothing is sent on, so it need not be kept.
    private static readonly MessageParser<V1.Envelope> Envelopes = V1.Envelope.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.Probe> Probes = V1.Probe.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.FlushNow> Flushes = V1.FlushNow.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.Settled> Settlements = V1.Settled.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.Expected> Expectations = V1.Expected.Parser.WithDiscardUnknownFields(true);

    private static readonly MessageParser<V1.RowsTaken> RowsTaken = V1.RowsTaken.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.LaneOpened> Openings = V1.LaneOpened.Parser.WithDiscardUnknownFields(true);

    private readonly LaneDecoder decoder = new();

    public override int Identifier => StableIdentifier;

    /// <exception cref="SerializationException">It is no message of the lane protocol.</exception>
    public override string Manifest(object o) => o switch
    {
        LaneProtocol.Envelope => EnvelopeManifest,
        LaneProtocol.Settled => SettledManifest,
        LaneProtocol.Expected => ExpectedManifest,
        LaneProtocol.Probe => ProbeManifest,
        LaneProtocol.FlushNow => FlushNowManifest,
        JournalEvents.RowsTaken => RowsTakenManifest,
        JournalEvents.LaneOpened => LaneOpenedManifest,
        _ => throw NotOurs(o),
    };

    /// <exception cref="SerializationException">It is no message of the lane protocol, or breaks its rules.</exception>
    public override byte[] ToBinary(object obj) => ToWire(obj).ToByteArray();

    /// <exception cref="SerializationException">
    /// The manifest is unknown, or the bytes are not a whole message that keeps the rules of the protocol.
    /// </exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return manifest switch
            {
                EnvelopeManifest => decoder.Decode(Envelopes.ParseFrom(bytes)),
                SettledManifest => LaneDecoder.Decode(Settlements.ParseFrom(bytes)),
                ExpectedManifest => LaneDecoder.Decode(Expectations.ParseFrom(bytes)),
                ProbeManifest => LaneDecoder.Decode(Probes.ParseFrom(bytes)),
                FlushNowManifest => LaneDecoder.Decode(Flushes.ParseFrom(bytes)),
                RowsTakenManifest => JournalCodec.Decode(RowsTaken.ParseFrom(bytes), decoder),
                LaneOpenedManifest => JournalCodec.Decode(Openings.ParseFrom(bytes)),
                _ => throw new SerializationException($"'{manifest}' is no manifest of the lane protocol."),
            };
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new SerializationException($"The bytes are no message '{manifest}' of the lane protocol.", e);
        }
    }

    private static IMessage ToWire(object message) => message switch
    {
        LaneProtocol.Envelope envelope => LaneEncoder.Encode(envelope),
        LaneProtocol.Settled settled => LaneEncoder.Encode(settled),
        LaneProtocol.Expected expected => LaneEncoder.Encode(expected),
        LaneProtocol.Probe probe => LaneEncoder.Encode(probe),
        LaneProtocol.FlushNow flush => LaneEncoder.Encode(flush),
        JournalEvents.RowsTaken taken => JournalCodec.Encode(taken),
        JournalEvents.LaneOpened opened => JournalCodec.Encode(opened),
        _ => throw NotOurs(message),
    };

    private static SerializationException NotOurs(object message) =>
        new($"{message.GetType()} is no message of the lane protocol.");
}
