using Ingest.Node.Cluster;
using Ingest.Node.Embedded;

namespace Ingest.Node;

/// <summary>Starts a node and waits for its end: nothing but the host's start-up.</summary>
internal static class Program
{
    /// <summary>The actor system's name, which all nodes of a cluster share.</summary>
    public const string SystemName = "ingest";

    public static async Task<int> Main()
    {
        try
        {
            await using var node = new NodeHost(NodeSettings.Load(), TimeProvider.System);
            await node.StartAsync(CancellationToken.None);
            StartScreen.Show(node, Console.Out);
            await node.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception error) when (error is SettingsException or EmbeddedPostgresException or IOException)
        {
            await Console.Error.WriteLineAsync($"ingest: {error.Message}");
            return 1;
        }
    }
}
