using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Ingest.Bench.Load;

namespace Ingest.Bench.Processes;

/// <summary>How one node of the run is started; the same at each start.</summary>
/// <param name="Name">By which its sessions in PostgreSQL and its log are known.</param>
/// <param name="Host">The address that it listens on, for callers and for other nodes.</param>
/// <param name="Network">The network namespace that it lives in; null for the machine's own.</param>
internal sealed record NodePlace(string Name, string Host, int HttpPort, int RemotePort, string? Network);

/// <summary>A real node in a process of its own, that can be killed, stopped, suspended and started again.</summary>
internal sealed class NodeProcess(
    NodePlace place, IReadOnlyDictionary<string, string> environment, RunDirectory run, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly string logFile = run[$"{place.Name}.log"];
    private Process? process;
    private Task logging = Task.CompletedTask;

    public NodePlace Place { get; } = place;

    public string Name => Place.Name;

    public int Pid => process!.Id;

    public Uri Url { get; } = new($"http://{place.Host}:{place.HttpPort}");

    /// <summary>Where the node speaks gRPC; null where it takes the default.</summary>
    public Uri? GrpcUrl { get; } = environment.TryGetValue("INGEST_GRPC_PORT", out var port)
        ? new Uri($"http://{place.Host}:{port}")
        : null;

    /// <summary>The process is there and nothing keeps it from working, as far as this run has to do with it.</summary>
    public bool IsServing => !IsSuspended && !IsCutOff && process is { HasExited: false };

    public bool HasExited => process is not { HasExited: false };

    public bool IsSuspended { get; private set; }

    /// <summary>The other nodes cannot reach it.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>The code that the process ended with; null where it has not.</summary>
    public int? ExitCode => process is { HasExited: true } ended ? ended.ExitCode : null;

    public void Start()
    {
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "Ingest.Node.dll")];
        if (Place.Network is { } network) command = ["ip", "netns", "exec", network, .. command];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // A node's own files are found beside it; no relative path is to lead into somebody's working directory.
            WorkingDirectory = run.Path,
        };
        ForgetGeneratorSettings(start);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        process?.Dispose();
        process = Process.Start(start)!;
        run.Protect(process.Id);
        logging = Task.WhenAll(logging, LogAsync(process.StandardOutput), LogAsync(process.StandardError));
    }

    /// <summary>What this process has set for itself as a load generator is not to reach what it measures.</summary>
    public static void ForgetGeneratorSettings(ProcessStartInfo start) =>
        start.Environment.Remove(Program.InlineCompletions);

    /// <summary>Waits until the node says that it is ready for rows.</summary>
    /// <exception cref="RunException">It ended, or took too long.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan limit)
    {
        var since = time.GetTimestamp();
        while (!await IsReadyAsync())
        {
            if (ExitCode is { } code) throw new RunException($"{Name} ended with code {code}: see {logFile}");
            if (time.GetElapsedTime(since) > limit)
                throw new RunException($"{Name} was not ready after {limit.TotalSeconds:N0} s: see {logFile}");
            await Task.Delay(Interval, time);
        }
    }

    /// <summary>Whether the node answers its readiness check with 200, within a second.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(3) };
            using var answer = await http.GetAsync(new Uri(Url, "/healthz/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or SocketException)
        {
            return false;
        }
    }

    /// <summary>How many lanes the node holds, and how many the cluster has, as the node sees it.</summary>
    public async Task<(int Own, int All)> CountLanesAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var cluster = await http.GetFromJsonAsync<JsonElement>(new Uri(Url, "/v1/cluster"));
        var members = cluster.GetProperty("members").EnumerateArray()
            .Where(member => member.GetProperty("lanes").ValueKind == JsonValueKind.Array)
            .Select(member => (
                Self: member.GetProperty("self").GetBoolean(), Lanes: member.GetProperty("lanes").GetArrayLength()))
            .ToList();
        return (members.Where(member => member.Self).Sum(member => member.Lanes), members.Sum(member => member.Lanes));
    }

    /// <summary>SIGKILL: not even buffers are written.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        IsSuspended = false;
    }

    /// <summary>SIGSTOP: the process keeps its memory and its connections, and does nothing.</summary>
    public async Task SuspendAsync()
    {
        IsSuspended = true;
        await Shell.SignalAsync(process!.Id, "STOP");
    }

    /// <summary>SIGCONT: goes on as if no time had passed.</summary>
    public async Task ResumeAsync()
    {
        await Shell.SignalAsync(process!.Id, "CONT");
        IsSuspended = false;
    }

    /// <summary>SIGTERM, as systemd and Kubernetes do; waits for the end.</summary>
    /// <returns>The exit code; null where the node was still there after <paramref name="limit"/>.</returns>
    public async Task<int?> StopAsync(TimeSpan limit)
    {
        await Shell.SignalAsync(process!.Id, "TERM");
        return await WaitForExitAsync(limit) ? process!.ExitCode : null;
    }

    /// <summary>Whether the process ends by itself within a time.</summary>
    public async Task<bool> WaitForExitAsync(TimeSpan limit)
    {
        try
        {
            await process!.WaitForExitAsync().WaitAsync(limit, time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>A target for rows of one table on this node.</summary>
    /// <param name="headers">Of each request, as <c>Name: value</c>.</param>
    public HttpTarget TargetOf(string table, params string[] headers) => new(Url, table, headers);

    public void Dispose()
    {
        if (process is { HasExited: false }) process.Kill();
        process?.WaitForExit();
        process?.Dispose();
        process = null;
    }

    private async Task LogAsync(StreamReader lines)
    {
        while (await lines.ReadLineAsync() is { } line)
            lock (logFile) File.AppendAllText(logFile, line + "\n");
    }
}

/// <summary>The run itself could not go on: nothing is said about Ingest's promises.</summary>
internal sealed class RunException(string message) : Exception(message);
