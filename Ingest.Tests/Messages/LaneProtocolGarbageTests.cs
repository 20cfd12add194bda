using System.Runtime.Serialization;
using CsCheck;
using Google.Protobuf;
using Ingest.Messages.Wire;
using V1 = Ingest.Messages.Wire.V1;

namespace Ingest.Tests.Messages;

/// <summary>What the serializer makes of bytes that no serializer wrote, or that did not all arrive.</summary>
public sealed class LaneProtocolGarbageTests
{
    private static readonly string[] Manifests = ["E", "P", "F", "S", "X"];

    private readonly LaneProtocolSerializer serializer = LaneMessages.Serializer();

    [Fact]
    public void Should_refuse_every_example_that_lost_its_tail()
    {
        foreach (var message in LaneMessages.Examples)
        {
            var bytes = serializer.ToBinary(message);
            for (var length = 0; length < bytes.Length; length++)
                Assert.Throws<SerializationException>(
                    () => serializer.FromBinary(bytes[..length], serializer.Manifest(message)));
        }
    }

    [Fact]
    public void Should_refuse_any_message_that_lost_its_tail() =>
        Gen.Select(LaneMessages.Random, Gen.Int[0, int.MaxValue]).Sample(
            (message, cut) =>
            {
                var bytes = serializer.ToBinary(message);
                return Refuses(bytes[..(cut % bytes.Length)], serializer.Manifest(message));
            },
            print: sample => $"{LaneMessages.Describe(sample.Item1)} cut at {sample.Item2}");

    [Fact]
    public void Should_give_a_valid_message_or_a_serialization_error_for_garbled_bytes() =>
        Gen.Select(LaneMessages.Random, Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 6]).Sample(
            (message, changes) =>
            {
                var bytes = serializer.ToBinary(message);
                foreach (var (place, value) in changes) bytes[place % bytes.Length] = value;
                ReadsOrRefuses(bytes, serializer.Manifest(message));
            },
            iter: 3_000, print: sample => LaneMessages.Describe(sample.Item1));

    [Fact]
    public void Should_give_a_valid_message_or_a_serialization_error_for_random_bytes() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.OneOf(Manifests)).Sample(ReadsOrRefuses, iter: 3_000);

    [Fact]
    public void Should_refuse_an_unknown_manifest()
    {
        foreach (var manifest in new[] { "", "e", "E2", null })
            Assert.Throws<SerializationException>(
                () => serializer.FromBinary(serializer.ToBinary(LaneMessages.FlushNow), manifest!));
    }

    [Fact]
    public void Should_refuse_a_text_that_is_not_UTF8() =>
        Assert.Throws<SerializationException>(() => serializer.FromBinary([0x0A, 3, 0x0A, 1, 0xFF], "F"));

    [Fact]
    public void Should_not_allocate_by_a_length_that_is_only_claimed()
    {
        // A field of 1.9 GB by its own account: gateway, shapes, runs, and rejections by their numbers.
        foreach (var tag in new byte[] { 0x12, 0x42, 0x4A, 0x3A })
        {
            byte[] bytes = [tag, 0xFF, 0xFF, 0xFF, 0xFF, 0x07];
            foreach (var manifest in Manifests) Assert.InRange(AllocatedBy(bytes, manifest), 0, 100_000);
        }
    }

    [Fact]
    public void Should_not_allocate_by_a_count_that_is_only_claimed()
    {
        var settled = Wire<V1.Settled>(LaneMessages.Settled);
        settled.Rejected = int.MaxValue;
        var envelope = Wire<V1.Envelope>(LaneMessages.Envelope);
        envelope.Count = int.MaxValue;

        Assert.InRange(AllocatedBy(settled.ToByteArray(), "S"), 0, 100_000);
        Assert.InRange(AllocatedBy(envelope.ToByteArray(), "E"), 0, 100_000);
    }

    [Fact]
    public void Should_allocate_in_proportion_to_a_message_made_of_nothing_but_empty_parts()
    {
        var envelope = Wire<V1.Envelope>(LaneMessages.Envelope);
        for (var i = 0; i < 50_000; i++) envelope.Runs.Add(new V1.Run());
        var bytes = envelope.ToByteArray();

        Assert.InRange(AllocatedBy(bytes, "E"), 0, 200L * bytes.Length);
    }

    public static TheoryData<string, Action<object>> BrokenWires() => new()
    {
        { "no lane", wire => ((V1.Envelope)wire).Lane = null },
        { "no gateway", wire => ((V1.Envelope)wire).Gateway = ByteString.Empty },
        { "a short gateway", wire => ((V1.Envelope)wire).Gateway = ByteString.CopyFrom(new byte[15]) },
        { "a negative deadline", wire => ((V1.Envelope)wire).DeadlineTicks = -1 },
        { "a deadline after all time", wire => ((V1.Envelope)wire).DeadlineTicks = long.MaxValue },
        { "runs in spite of skip", wire => ((V1.Envelope)wire).Skip = true },
        { "no runs without skip", wire => ((V1.Envelope)wire).Runs.Clear() },
        { "a shape that is not there", wire => ((V1.Envelope)wire).Runs[0].Shape = 2 },
        { "a huge shape index", wire => ((V1.Envelope)wire).Runs[0].Shape = uint.MaxValue },
        { "a length too long", wire => ((V1.Envelope)wire).Runs[0].Lengths[1]++ },
        { "a length too short", wire => ((V1.Envelope)wire).Runs[0].Lengths[1]-- },
        { "a length that wraps", wire => Wrap((V1.Envelope)wire) },
        { "an empty tuple", wire => Empty(((V1.Envelope)wire).Runs[0]) },
        { "a row too many", wire => ((V1.Envelope)wire).Runs.Add(((V1.Envelope)wire).Runs[0].Clone()) },
        { "a row too few", wire => ((V1.Envelope)wire).Runs.RemoveAt(2) },
        { "more columns than a table has", wire => Widen(((V1.Envelope)wire).Shapes[0]) },
    };

    [Theory]
    [MemberData(nameof(BrokenWires), DisableDiscoveryEnumeration = true)]
    public void Should_refuse_an_envelope_with(string what, Action<object> harm)
    {
        var wire = Wire<V1.Envelope>(LaneMessages.Envelope);
        harm(wire);

        Assert.True(Refuses(wire.ToByteArray(), "E"), $"An envelope with {what} was read.");
    }

    [Fact]
    public void Should_refuse_a_rejected_row_without_a_rejection()
    {
        var wire = Wire<V1.Settled>(LaneMessages.Settled);
        wire.Rejections[0].Rejection = null;

        Assert.True(Refuses(wire.ToByteArray(), "S"));
    }

    [Fact]
    public void Should_refuse_an_outcome_that_this_version_does_not_know()
    {
        var wire = Wire<V1.Settled>(LaneMessages.Settled);
        wire.Outcome = (V1.Outcome)77;

        Assert.True(Refuses(wire.ToByteArray(), "S"));
    }

    private T Wire<T>(object message) where T : IMessage<T>, new()
    {
        var wire = new T();
        wire.MergeFrom(serializer.ToBinary(message));
        return wire;
    }

    private long AllocatedBy(byte[] bytes, string manifest)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(Refuses(bytes, manifest));
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private bool Refuses(byte[] bytes, string manifest)
    {
        try
        {
            serializer.FromBinary(bytes, manifest);
            return false;
        }
        catch (SerializationException)
        {
            return true;
        }
    }

    /// <summary>What is read must be whole: it can be written again and read with the same meaning.</summary>
    private void ReadsOrRefuses(byte[] bytes, string manifest)
    {
        object message;
        try
        {
            message = serializer.FromBinary(bytes, manifest);
        }
        catch (SerializationException)
        {
            return;
        }
        var again = serializer.FromBinary(serializer.ToBinary(message), manifest);
        Assert.Equal(LaneMessages.Describe(message), LaneMessages.Describe(again));
    }

    /// <summary>Lengths whose sum in 32 bits is that of the tuples: 2, 1, 5.</summary>
    private static void Wrap(V1.Envelope envelope)
    {
        envelope.Count++;
        envelope.Runs[0].Lengths[1] = uint.MaxValue;
        envelope.Runs[0].Lengths.Add(4);
    }

    private static void Empty(V1.Run run)
    {
        run.Lengths[0] = 0;
        run.Lengths[1] = 5;
    }

    private static void Widen(V1.Shape shape)
    {
        for (var i = 0; i < LaneRules.MaxColumns; i++)
            shape.Columns.Add(new V1.Column { Name = $"c{i}", Codec = "text" });
    }
}
