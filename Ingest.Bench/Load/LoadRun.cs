using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Bench.Load;

/// <summary>
/// One load under way: what its connections share. It knows neither console nor database, so that benchmarks can run
/// the same clients.
/// </summary>
public sealed class LoadRun : IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private ITimer? stopTimer;
    private string? failure;
    private string? firstProblem;

    /// <exception cref="ArgumentException">The URL, a header or the rate is not usable.</exception>
    public LoadRun(LoadOptions options, TimeProvider time)
    {
        Options = options;
        Time = time;
        Target = new HttpTarget(options.Url, options.Table, options.Headers);
        Pacer = new Pacer(options.Rows, options.Rate, options.Rate is null ? time : new FineTime());
        Latency = new LatencyRecorder(time);
        Watchdog = new Watchdog(options.Timeout, time);
        var rows = new RowSource(options.Bad);
        Requests = options.Via switch
        {
            LoadVia.Http => rows.Wrapped(row => Target.CreateRequest(row)),
            LoadVia.Ndjson => rows.Wrapped(row => [.. row, (byte)'\n']),
            _ => rows,
        };
        foreach (var header in options.Headers.Select(header => header.Split(':', 2)))
            GrpcHeaders.Add(header[0].ToLowerInvariant(), header[1].Trim());
    }

    public LoadOptions Options { get; }

    public TimeProvider Time { get; }

    public HttpTarget Target { get; }

    /// <summary>The further headers, as gRPC has them.</summary>
    internal Metadata GrpcHeaders { get; } = [];

    /// <summary>What is sent for each row: a whole request, a line of a stream, or the row itself.</summary>
    public RowSource Requests { get; }

    public Pacer Pacer { get; }

    public Tally Tally { get; } = new();

    public LatencyRecorder Latency { get; }

    public Watchdog Watchdog { get; }

    /// <summary>No further row is to be sent, and no refused one again; answers are still awaited.</summary>
    public CancellationToken Stopping => stopping.Token;

    /// <summary>Why the load ended before its time, or cannot be trusted; null where nothing is wrong.</summary>
    public string? Failure => Volatile.Read(ref failure);

    /// <summary>The first answer that did not commit a row, for people; null where there was none.</summary>
    public string? FirstProblem => Volatile.Read(ref firstProblem);

    /// <summary>Sends all rows and returns when each row that was sent has its outcome.</summary>
    public async Task RunAsync()
    {
        Pacer.Start();
        // Calls of one row share one connection, as they do in a program that makes one client.
        using var channel = Options.Via == LoadVia.GrpcUnary ? GrpcChannel.ForAddress(Options.Url) : null;
        var workers = new Task[Options.Connections];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = Options.Via switch
            {
                LoadVia.Http => new HttpWorker(this).RunAsync(),
                LoadVia.Ndjson => new NdjsonWorker(this).RunAsync(),
                LoadVia.Grpc => new GrpcWorker(this).RunAsync(),
                _ => new GrpcUnaryWorker(this, new ApiClient(channel)).RunAsync(),
            };
        }
        await Task.WhenAll(workers);
    }

    /// <summary>Ends the load: what was sent may still be answered, for <see cref="LoadOptions.StopWithin"/>.</summary>
    public void Stop()
    {
        Pacer.Stop();
        if (stopping.IsCancellationRequested) return;
        stopTimer = Time.CreateTimer(_ => Watchdog.EndAll(), null, Options.StopWithin, Timeout.InfiniteTimeSpan);
        // Workers that wait for a timer go on in here, so it must not run on the caller's thread.
        _ = stopping.CancelAsync();
    }

    /// <summary>Ends the load because it makes no sense to go on; the first reason is kept.</summary>
    public void Fail(string reason)
    {
        Interlocked.CompareExchange(ref failure, reason, null);
        Stop();
    }

    /// <summary>
    /// Looks at an answer that did not commit a row. Where it says that no row of this load can be written (no such
    /// table, no right to it, not an Ingest server), the load ends: a million of the same answer would tell nobody
    /// more.
    /// </summary>
    public void Judge(int status, string body)
    {
        var problem = $"{status} {body.Trim()}";
        if (Volatile.Read(ref firstProblem) is null) Interlocked.CompareExchange(ref firstProblem, problem, null);
        // A policy that is to refuse rows answers like a missing right.
        var isPolicy = status == 403 && Options.Bad is not null;
        if (!isPolicy && status is (< 200 or (>= 300 and < 400) or 401 or 403 or 404 or 405 or 415))
            Fail($"The server answered {problem}");
    }

    /// <summary>Connects, and tries again with growing pauses for as long as a refused row would be.</summary>
    /// <returns>Null where the load was stopped first, or failed because the server never answered.</returns>
    public async Task<HttpConnection?> ConnectAsync(int bufferBytes)
    {
        var retry = new Backoff(Time, Options.RetryFor);
        while (!Stopping.IsCancellationRequested)
        {
            try
            {
                return await HttpConnection.ConnectAsync(Target, bufferBytes, Stopping);
            }
            catch (SocketException e)
            {
                if (retry.IsOver) Fail($"Cannot connect to {Target.Host}:{Target.Port}: {e.Message}");
                else await retry.PauseAsync(null, Stopping);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }
        return null;
    }

    public void Dispose()
    {
        stopTimer?.Dispose();
        Watchdog.Dispose();
        Pacer.Dispose();
        stopping.Dispose();
    }
}
