using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Ingest.Bench.Processes;

/// <summary>The hand-written services of a benchmark, in a process of their own.</summary>
internal sealed class BaselineProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Process process;

    private BaselineProcess(Process process, int port, int grpcPort)
    {
        this.process = process;
        Url = new Uri($"http://127.0.0.1:{port}");
        GrpcUrl = new Uri($"http://127.0.0.1:{grpcPort}");
    }

    public int Pid => process.Id;

    public Uri Url { get; }

    public Uri GrpcUrl { get; }

    /// <exception cref="RunException">It ended, or took too long.</exception>
    public static async Task<BaselineProcess> StartAsync(
        RunDirectory run, RunPostgres postgres, TimeProvider time, CancellationToken cancellation)
    {
        var (port, grpcPort) = (RunPostgres.FreePort(), RunPostgres.FreePort());
        var start = new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "Ingest.Bench.dll"), "baseline",
                "--port", port.ToString(CultureInfo.InvariantCulture),
                "--grpc-port", grpcPort.ToString(CultureInfo.InvariantCulture),
            ])
        {
            WorkingDirectory = run.Path,
        };
        start.Environment["INGEST_POSTGRES"] = postgres.ConnectionFor("baseline");
        // The run's guard knows its processes by this.
        start.Environment["INGEST_DATA"] = run["baseline"];
        NodeProcess.ForgetGeneratorSettings(start);
        var started = new BaselineProcess(Process.Start(start)!, port, grpcPort);
        run.Protect(started.Pid);
        var since = time.GetTimestamp();
        while (!await ListensAsync(port, cancellation))
        {
            if (started.process.HasExited) throw new RunException("The baselines' process has ended.");
            if (time.GetElapsedTime(since) > Patience) throw new RunException("The baselines did not start.");
            await Task.Delay(Interval, time, cancellation);
        }

        return started;
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static async Task<bool> ListensAsync(int port, CancellationToken cancellation)
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync("127.0.0.1", port, cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
