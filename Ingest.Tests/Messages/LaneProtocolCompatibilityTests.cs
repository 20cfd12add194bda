using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

/// <summary>
/// Pins the format. These bytes are what released versions have sent and journaled: a change that makes one of these
/// tests fail breaks rolling upgrades and journals, so mend the change, never the bytes.
/// </summary>
public sealed class LaneProtocolCompatibilityTests
{
    // How each message but the flush begins: lane sales.orders/3 and the gateway's 16 bytes.
    private const string LaneAndGateway =
        "0A100A0C73616C65732E6F7264657273100312100123456789ABCDEF0123456789ABCDEF";

    private readonly LaneProtocolSerializer serializer = LaneMessages.Serializer();

    /// <summary>Kind of message, manifest, the example that it stands for, the bytes in hexadecimal.</summary>
    public static TheoryData<string, string, object, string> Approved() => new()
    {
        {
            "envelope", "E", LaneMessages.Envelope,
            LaneAndGateway +
            "18E807200428DE07310780794B1D2FDE0842290A0A0A0269641204757569640A0B0A0375726C1204746578740A0E0A04" +
            "746167731206746578745B5D420C0A0A0A0269641204757569644A0B120500030102031A0202034A0A080112030001FF" +
            "1A01034A061201071A0101"
        },
        {
            "skipping envelope", "E", LaneMessages.Skip,
            LaneAndGateway +
            "18E80720800428DE07310780794B1D2FDE083801"
        },
        {
            "probe", "P", LaneMessages.Probe,
            LaneAndGateway +
            "18DE0720EC07"
        },
        {
            "flush", "F", LaneMessages.FlushNow,
            "0A100A0C73616C65732E6F72646572731003"
        },
        {
            "settled range", "S", LaneMessages.Settled,
            LaneAndGateway +
            "18DE0720EB07280230013A3608DF0712310A053233353035121B4120726F7720776974682074686973206B6579206578" +
            "697374732E1A0B6F72646572735F706B65793A2D08EB0712280A053233353032121A412076616C7565206973206D6973" +
            "73696E673A20C3A9F09F9880220375726C"
        },
        {
            "settled range without rejections", "S", LaneMessages.SettledAlike,
            LaneAndGateway +
            "18DE0720EB073003"
        },
        {
            "expected position", "X", LaneMessages.Expected,
            LaneAndGateway +
            "18E8072001"
        },
    };

    [Theory]
    [MemberData(nameof(Approved), DisableDiscoveryEnumeration = true)]
    public void Should_read_the_approved_bytes(string kind, string manifest, object message, string hex)
    {
        var read = serializer.FromBinary(Convert.FromHexString(hex), manifest);

        Assert.True(LaneMessages.Describe(message) == LaneMessages.Describe(read), $"The {kind} reads differently.");
    }

    [Theory]
    [MemberData(nameof(Approved), DisableDiscoveryEnumeration = true)]
    public void Should_write_the_approved_bytes(string kind, string manifest, object message, string hex)
    {
        Assert.True(manifest == serializer.Manifest(message), $"The {kind} has another manifest.");
        Assert.Equal(hex, Convert.ToHexString(serializer.ToBinary(message)));
    }

    [Theory]
    [MemberData(nameof(Approved), DisableDiscoveryEnumeration = true)]
    public void Should_ignore_fields_of_a_newer_version(string kind, string manifest, object message, string hex)
    {
        // Field 100 as a number, then field 101 as text.
        var newer = Convert.FromHexString(hex + "A00601" + "AA06036E6577");

        var read = serializer.FromBinary(newer, manifest);

        Assert.True(LaneMessages.Describe(message) == LaneMessages.Describe(read), $"The {kind} reads differently.");
    }

    [Fact]
    public void Should_ignore_fields_of_a_newer_version_inside_a_part()
    {
        // A lane with table and number, and field 100 behind them.
        var newer = Convert.FromHexString("0A13" + "0A0C" + "73616C65732E6F7264657273" + "1003" + "A00601");

        Assert.Equal(LaneMessages.FlushNow, serializer.FromBinary(newer, "F"));
    }

    [Fact]
    public void Should_keep_its_identifier() => Assert.Equal(70151, serializer.Identifier);

    [Fact]
    public void Should_have_approved_bytes_for_every_example() =>
        Assert.Equal(LaneMessages.Examples, Approved().Select(row => (object)row[2]));
}
