using Google.Protobuf;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Bench.Load;

/// <summary>One of the load's callers that creates a row a call, and waits for its answer.</summary>
internal sealed class GrpcUnaryWorker(LoadRun run, ApiClient api)
{
    private readonly CreateRequest request = new() { Table = run.Options.Table };

    /// <summary>Sends rows until the load has none left. Never throws for what a server or a network can do.</summary>
    public async Task RunAsync()
    {
        await Task.Yield();
        while (run.Pacer.TryTake(out var row))
        {
            if (!await run.Pacer.WaitAsync(row)) break;
            run.Tally.CountSent();
            var start = run.Pacer.LatencyStart(row);
            var outcome = await ExchangeAsync(row);
            var retry = new Backoff(run.Time, run.Options.RetryFor);
            while (outcome == RowOutcome.Refused && !retry.IsOver && !run.Stopping.IsCancellationRequested)
            {
                await retry.PauseAsync(null, run.Stopping);
                run.Tally.CountRetry();
                outcome = await ExchangeAsync(row);
            }

            if (outcome != RowOutcome.NoAnswer) run.Latency.Record(start, run.Time.GetTimestamp());
            run.Tally.Settle(outcome);
        }
    }

    private async Task<RowOutcome> ExchangeAsync(long row)
    {
        request.Json = UnsafeByteOperations.UnsafeWrap(run.Requests[row]);
        try
        {
            var deadline = run.Time.GetUtcNow().UtcDateTime + run.Options.Timeout;
            using var call = api.CreateAsync(request, run.GrpcHeaders, deadline);
            var response = await call.ResponseAsync;
            return response.Receipt.Length > 0 ? RowOutcome.Accepted : RowOutcome.Committed;
        }
        catch (RpcException e)
        {
            if (GrpcWorker.IsFinal(e.StatusCode)) run.Fail($"The server answered {e.Status}");
            return e.StatusCode switch
            {
                StatusCode.ResourceExhausted or StatusCode.Unavailable => RowOutcome.Refused,
                StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Unknown => RowOutcome.Unknown,
                StatusCode.Cancelled => RowOutcome.NoAnswer,
                _ => RowOutcome.Rejected,
            };
        }
    }
}
