using Ingest.Node.Writing;

namespace Ingest.Tests.Writing;

/// <summary>The settings of a lane store, for tests that do not care, and to derive others from.</summary>
internal static class TestWriting
{
    public static readonly WritingOptions Options = new()
    {
        AttemptTimeout = TimeSpan.FromSeconds(10),
        LockTimeout = TimeSpan.FromSeconds(5),
        KeyRetention = TimeSpan.FromHours(24),
        DeadLetterRetention = TimeSpan.FromDays(30),
        MaxConnections = 10,
    };
}
