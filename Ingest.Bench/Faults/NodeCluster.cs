using System.Globalization;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>The run's cluster: real nodes on free ports that all name the same seed nodes.</summary>
internal sealed class NodeCluster : IDisposable
{
    private NodeCluster(IReadOnlyList<NodeProcess> nodes, NodeNetwork? network)
    {
        Nodes = nodes;
        Network = network;
    }

    public IReadOnlyList<NodeProcess> Nodes { get; }

    /// <summary>The network that nodes can be cut off in; null where they share the machine's.</summary>
    public NodeNetwork? Network { get; }

    public NodeProcess this[string name] => Nodes.Single(node => node.Name == name);

    /// <summary>Plans the nodes; starts none.</summary>
    public static NodeCluster Of(
        FaultOptions options, RunDirectory run, RunPostgres postgres, NodeNetwork? network, TimeProvider time)
    {
        var kind = network is null ? "node" : "netnode";
        var places = Enumerable.Range(0, FaultOptions.Nodes).Select(index => network is null
            ? new NodePlace($"{kind}{index + 1}", "127.0.0.1", RunPostgres.FreePort(), RunPostgres.FreePort(), null)
            : new NodePlace($"{kind}{index + 1}", NodeNetwork.AddressOf(index), 8080, 8082, network.NameOf(index)))
            .ToList();
        // The same list for all: its first node founds the cluster, unless it finds one that another is in already.
        var seeds = string.Join(',', places.Select(place => $"{place.Host}:{place.RemotePort}"));
        return new NodeCluster(
            [.. places.Select(place => new NodeProcess(place, Environment(place), run, time))], network);

        Dictionary<string, string> Environment(NodePlace place)
        {
            var settings = new Dictionary<string, string>(options.NodeSettings)
            {
                ["INGEST_POSTGRES"] = postgres.ConnectionFor(place.Name, viaSocket: place.Network is not null),
                ["INGEST_HTTP_HOST"] = place.Host,
                // In a network of their own, which only this machine is in.
                ["INGEST_ALLOW_ANONYMOUS"] = "on",
                ["INGEST_HTTP_PORT"] = place.HttpPort.ToString(CultureInfo.InvariantCulture),
                ["INGEST_GRPC_PORT"] = "0",
                ["INGEST_HOSTNAME"] = place.Host,
                ["INGEST_REMOTE_PORT"] = place.RemotePort.ToString(CultureInfo.InvariantCulture),
                ["INGEST_SEED_NODES"] = seeds,
                // Nothing is kept there, since the nodes share a server; the guard knows its processes by it.
                ["INGEST_DATA"] = run[place.Name],
            };
            return settings;
        }
    }

    /// <summary>Starts the nodes that do not run, and waits until all are ready.</summary>
    public async Task EnsureReadyAsync(TimeSpan limit)
    {
        foreach (var node in Nodes)
            if (node.HasExited) node.Start();
        foreach (var node in Nodes) await node.WaitUntilReadyAsync(limit);
    }

    public void Dispose()
    {
        foreach (var node in Nodes) node.Dispose();
    }
}
