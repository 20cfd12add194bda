using System.Net;
using Akka.Hosting;
using Ingest.Node.Catalog;
using Ingest.Node.Cluster;
using Ingest.Node.Embedded;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Writing;

namespace Ingest.Node;

/// <summary>Starts a node, and ends it: nothing but the host's start-up.</summary>
internal static class Program
{
    public const string SystemName = "ingest";

    public static async Task<int> Main(string[] args)
    {
        try
        {
            var settings = NodeSettings.Load();
            await using var node = new NodeHost(settings, TimeProvider.System);
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
