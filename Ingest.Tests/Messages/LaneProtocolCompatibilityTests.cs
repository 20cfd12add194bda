using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

/// <summary>
/// Pins the format. These bytes are what released versions have sent and journaled: a change that makes one of these
/// tests fail breaks rolling upgrades and journals, so mend the change, never the bytes.
/// </summary>
public sealed class LaneProtocolCompatibilityTests
{
    private readonly LaneProtocolSerializer serializer = LaneMessages.Serializer();

    /// <summary>Kind of message, manifest, the example that it stands for, the bytes in hexadecimal.</summary>
    public static TheoryData<string, string, object, string> Approved() => new()
    {
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
