using System.Globalization;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>
/// A network namespace for each node, joined by a bridge on which this machine has an address too, so that nodes can be
/// cut off from each other while callers still reach them all. Needs root, and a kernel that allows it.
/// </summary>
internal sealed class NodeNetwork : IAsyncDisposable
{
    private const string Prefix = "10.213.77";

    private readonly RunDirectory run;
    private readonly string id = Environment.ProcessId.ToString("x", CultureInfo.InvariantCulture);
    private readonly List<string> namespaces = [];

    private NodeNetwork(RunDirectory run) => this.run = run;

    private string Bridge => $"igb{id}";

    /// <summary>Builds the network.</summary>
    /// <returns>The network; or why there cannot be one on this machine.</returns>
    public static async Task<(NodeNetwork? Network, string? Reason)> TryCreateAsync(RunDirectory run, int nodes)
    {
        if (!OperatingSystem.IsLinux()) return (null, "network namespaces are Linux's");
        if (!Environment.IsPrivilegedProcess) return (null, "network namespaces need root");
        var network = new NodeNetwork(run);
        try
        {
            await network.CreateAsync(nodes);
            return (network, null);
        }
        catch (InvalidOperationException e)
        {
            await network.DisposeAsync();
            return (null, e.Message);
        }
    }

    /// <summary>The namespace of a node, counted from 0.</summary>
    public string NameOf(int node) => $"ign{id}-{node}";

    public static string AddressOf(int node) => $"{Prefix}.{11 + node}";

    /// <summary>Lets nothing pass any more between one node and others, without a word to either.</summary>
    public Task CutAsync(int node, IEnumerable<int> others) => RoutesAsync("add", node, others);

    /// <summary>Lets everything pass again.</summary>
    public Task HealAsync(int node, IEnumerable<int> others) => RoutesAsync("del", node, others);

    public async ValueTask DisposeAsync()
    {
        // A namespace lives on for as long as a socket in it does, and with it the device; so that one goes first.
        for (var node = 0; node < namespaces.Count; node++)
            await Shell.TryRunAsync("ip", "link", "del", DeviceOf(node));
        foreach (var name in namespaces) await Shell.TryRunAsync("ip", "netns", "del", name);
        await Shell.TryRunAsync("ip", "link", "del", Bridge);
        foreach (var name in namespaces) File.Delete(run[$"{name}.netns"]);
        File.Delete(run[$"{Bridge}.bridge"]);
    }

    private string DeviceOf(int node) => $"{NameOf(node)}v";

    private async Task CreateAsync(int nodes)
    {
        // Whoever ends this process before it can clear up leaves these files to the guard.
        await File.WriteAllTextAsync(run[$"{Bridge}.bridge"], "");
        await Shell.RunAsync("ip", "link", "add", Bridge, "type", "bridge");
        await Shell.RunAsync("ip", "address", "add", $"{Prefix}.1/24", "dev", Bridge);
        await Shell.RunAsync("ip", "link", "set", Bridge, "up");
        for (var node = 0; node < nodes; node++) await AddAsync(node);
    }

    private async Task AddAsync(int node)
    {
        var name = NameOf(node);
        var outside = DeviceOf(node);
        await File.WriteAllTextAsync(run[$"{name}.netns"], "");
        await Shell.RunAsync("ip", "netns", "add", name);
        namespaces.Add(name);
        await Shell.RunAsync("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name);
        await Shell.RunAsync("ip", "link", "set", outside, "master", Bridge);
        await Shell.RunAsync("ip", "link", "set", outside, "up");
        await Shell.RunAsync("ip", "-n", name, "link", "set", "lo", "up");
        await Shell.RunAsync("ip", "-n", name, "address", "add", $"{AddressOf(node)}/24", "dev", "eth0");
        await Shell.RunAsync("ip", "-n", name, "link", "set", "eth0", "up");
    }

    /// <remarks>A blackhole is on both sides: what was sent before the cut must not be answered after it.</remarks>
    private async Task RoutesAsync(string change, int node, IEnumerable<int> others)
    {
        foreach (var other in others)
        {
            await Shell.RunAsync("ip", "-n", NameOf(node), "route", change, "blackhole", $"{AddressOf(other)}/32");
            await Shell.RunAsync("ip", "-n", NameOf(other), "route", change, "blackhole", $"{AddressOf(node)}/32");
        }
    }
}
