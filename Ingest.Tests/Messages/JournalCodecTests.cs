using System.Runtime.Serialization;
using Ingest.Messages;
using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

/// <summary>What a lane's journal holds is read as it was written, or not at all.</summary>
public sealed class JournalCodecTests
{
    private readonly LaneProtocolSerializer serializer = LaneMessages.Serializer();

    public static TheoryData<LaneProtocol.Envelope> Envelopes => new(LaneMessages.Envelope, LaneMessages.Skip);

    [Theory]
    [MemberData(nameof(Envelopes), DisableDiscoveryEnumeration = true)]
    public void Should_read_rows_as_they_were_written(LaneProtocol.Envelope envelope)
    {
        var read = Assert.IsType<JournalEvents.RowsTaken>(RoundTrip(new JournalEvents.RowsTaken(envelope)));

        Assert.Equal(LaneMessages.Describe(envelope), LaneMessages.Describe(read.Envelope));
    }

    [Fact]
    public void Should_read_the_opening_of_a_lane_as_it_was_written()
    {
        var opened = new JournalEvents.LaneOpened(LaneMessages.Envelope.Lane);

        Assert.Equal(opened, RoundTrip(opened));
    }

    [Fact]
    public void Should_refuse_rows_of_which_any_bit_was_flipped()
    {
        var taken = new JournalEvents.RowsTaken(LaneMessages.Envelope);
        var bytes = serializer.ToBinary(taken);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<SerializationException>(() => serializer.FromBinary(bytes, serializer.Manifest(taken)));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Should_refuse_rows_that_were_cut_off()
    {
        var taken = new JournalEvents.RowsTaken(LaneMessages.Envelope);
        var bytes = serializer.ToBinary(taken);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<SerializationException>(
                () => serializer.FromBinary(bytes[..length], serializer.Manifest(taken)));
        }

    }

    private object RoundTrip(object message) =>
        serializer.FromBinary(serializer.ToBinary(message), serializer.Manifest(message));
}
