using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>
/// A node as a process of its own, of the build that is under test. It can be told to stop, and killed; one that is
/// still there when it is disposed is killed.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> output;

    private NodeProcess(Process process, ConcurrentQueue<string> output, int port)
    {
        this.process = process;
        this.output = output;
        Client = new RowClient(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")));
    }

    public RowClient Client { get; }

    /// <summary>What it has printed, to both of its outputs.</summary>
    public IEnumerable<string> Output => output;

    public bool HasExited => process.HasExited;

    /// <summary>Starts a node and returns when it is ready.</summary>
    public static async Task<NodeProcess> StartAsync(params (string Name, string Value)[] settings)
    {
        var node = Start(settings);
        await Eventually.TrueAsync(
            async () => node.HasExited
                ? throw new InvalidOperationException($"The node ended with {node.process.ExitCode}.")
                : await node.Client.ReadinessAsync() == 200,
            TimeSpan.FromSeconds(40));
        return node;
    }

    /// <summary>Starts a node, which may not become ready.</summary>
    public static NodeProcess Start(params (string Name, string Value)[] settings)
    {
        var port = FreePort.Take();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Ingest.Node.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["INGEST_HTTP_PORT"] = port.ToString(CultureInfo.InvariantCulture);
        start.Environment["INGEST_GRPC_PORT"] = "0";
        start.Environment["INGEST_REMOTE_PORT"] = "0";
        foreach (var (name, value) in settings) start.Environment[name] = value;
        var process = Process.Start(start)!;
        var output = new ConcurrentQueue<string>();
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        // Read away, or the node would wait for a reader of a full pipe.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new NodeProcess(process, output, port);
    }

    /// <summary>Tells the node to stop, as a container platform does.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the node's end.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="OperationCanceledException">It is still there after the limit.</exception>
    public async Task<int> ExitAsync(TimeSpan limit)
    {
        using var cancel = new CancellationTokenSource(limit);
        await process.WaitForExitAsync(cancel.Token);
        return process.ExitCode;
    }

    /// <summary>Ends the node without a chance to say goodbye; what it started lives on.</summary>
    public async Task KillAsync()
    {
        process.Kill(entireProcessTree: false);
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
        Client.Dispose();
    }
}
