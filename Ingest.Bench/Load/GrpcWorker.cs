using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Bench.Load;

/// <summary>One of the load's connections that streams rows over gRPC; opens a new stream where one broke.</summary>
public sealed class GrpcWorker
{
    private readonly LoadRun run;
    private readonly Watchdog.Watch watch;

    public GrpcWorker(LoadRun run)
    {
        this.run = run;
        watch = run.Watchdog.NewWatch();
    }

    /// <summary>Streams rows until the load has none left. Never throws for what a server or a network can
    /// do.</summary>
    public async Task RunAsync()
    {
        await Task.Yield();
        using var channel = GrpcChannel.ForAddress(run.Options.Url);
        var api = new ApiClient(channel);
        var refused = new ConcurrentQueue<RefusedRow>();
        var reopening = new Backoff(run.Time, run.Options.RetryFor);
        while (!run.Stopping.IsCancellationRequested && !(run.Pacer.IsExhausted && refused.IsEmpty))
        {
            using var stream = new GrpcStream(run, api, refused);
            watch.Over(stream, () => stream.AwaitingSince);
            var ending = await stream.RunAsync();
            watch.Over(null);
            if (ending is null) continue;
            if (stream.HadVerdicts) reopening = new Backoff(run.Time, run.Options.RetryFor);
            if (IsFinal(ending.StatusCode)) run.Fail($"The server answered {ending.Status}");
            else if (reopening.IsOver) run.Fail($"The streams end before any verdict: {ending.Status}");
            else await reopening.PauseAsync(null, run.Stopping);
        }

        // Whatever is left here was refused last: it is not in the table.
        while (refused.TryDequeue(out _)) run.Tally.Settle(RowOutcome.Refused);
    }

    /// <summary>A stream that is opened again would be answered the same.</summary>
    internal static bool IsFinal(StatusCode code) => code is StatusCode.NotFound or StatusCode.InvalidArgument
        or StatusCode.PermissionDenied or StatusCode.Unauthenticated or StatusCode.Unimplemented;
}
