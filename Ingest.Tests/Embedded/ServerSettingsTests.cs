using Ingest.Node.Embedded;

namespace Ingest.Tests.Embedded;

public sealed class ServerSettingsTests
{
    private const long Gibibyte = 1024L * 1024 * 1024;

    [Theory]
    [InlineData(Gibibyte / 4, 64)]
    [InlineData(2 * Gibibyte, 256)]
    [InlineData(256 * Gibibyte, 4096)]
    public void Should_give_the_server_a_part_of_the_memory_within_bounds(long memoryBytes, int expectedMegabytes) =>
        Assert.Contains(
            $"\nshared_buffers = {expectedMegabytes}MB\n",
            ServerSettings.For(memoryBytes, connectionCheck: true), StringComparison.Ordinal);

    [Fact]
    public void Should_leave_out_a_check_that_the_system_cannot_do()
    {
        // The server would refuse to start for it.
        Assert.DoesNotContain(
            "\nclient_connection_check_interval",
            ServerSettings.For(Gibibyte, connectionCheck: false), StringComparison.Ordinal);
        Assert.Contains(
            "\nclient_connection_check_interval = 500ms",
            ServerSettings.For(Gibibyte, connectionCheck: true), StringComparison.Ordinal);
    }
}
