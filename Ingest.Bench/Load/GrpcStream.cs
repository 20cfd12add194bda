using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Bench.Load;

/// <summary>
/// One CreateStream call: rows go out in messages while verdicts come in. A message takes what may be sent at that
/// moment, so that a fast server gets large ones and a paced load small ones.
/// </summary>
internal sealed class GrpcStream : IDisposable
{
    private const int MessageBytes = 64 * 1024;
    private const int MessageRows = 512;

    private readonly LoadRun run;
    private readonly RowFlow rows;
    private readonly AsyncDuplexStreamingCall<CreateStreamRequest, CreateStreamResponse> call;
    private readonly CreateStreamRequest message = new();
    private long endSent;
    private bool isEnded;

    public GrpcStream(LoadRun run, ApiClient api, ConcurrentQueue<RefusedRow> refused)
    {
        this.run = run;
        rows = new RowFlow(run, refused);
        call = api.CreateStream(run.GrpcHeaders);
    }

    public bool HadVerdicts => rows.HadVerdicts;

    /// <summary>The timestamp since which an answer is awaited; 0 where none is.</summary>
    public long AwaitingSince => rows.OldestSent is not 0 and var oldest ? oldest : Volatile.Read(ref endSent);

    /// <summary>Streams until there are no rows left, or the call fails; settles what it has sent.</summary>
    /// <returns>How it failed; null where it did not.</returns>
    public async Task<RpcException?> RunAsync()
    {
        var sending = SendAsync();
        RpcException? ending = null;
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None)) Settle(call.ResponseStream.Current);
        }
        catch (RpcException e)
        {
            ending = e;
        }
        catch (InvalidDataException e)
        {
            run.Fail($"The answer cannot be read: {e.Message}");
        }

        Volatile.Write(ref isEnded, true);
        rows.Wake();
        await sending;
        rows.SettleRest(RowOutcome.NoAnswer);
        return ending;
    }

    public void Dispose()
    {
        call.Dispose();
        rows.Dispose();
    }

    private async Task SendAsync()
    {
        try
        {
            message.Header = new Header { Table = run.Options.Table };
            while (!Volatile.Read(ref isEnded))
            {
                if (Fill()) await call.RequestStream.WriteAsync(message);
                else if (rows.IsDone) break;
                else await rows.WaitAsync();
            }

            // The end of the call is an answer too, and can be overdue.
            Volatile.Write(ref endSent, run.Time.GetTimestamp());
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The call has ended; who reads it hears why.
        }
    }

    private bool Fill()
    {
        if (message.Json.Count > 0) message.Header = null;
        message.Json.Clear();
        var bytes = 0;
        for (var free = Math.Min(rows.Free, MessageRows); free > 0 && bytes < MessageBytes; free--)
        {
            if (!rows.TryTake(out var row)) break;
            var json = run.Requests[row.Row];
            message.Json.Add(UnsafeByteOperations.UnsafeWrap(json));
            bytes += json.Length;
        }

        return bytes > 0;
    }

    private void Settle(CreateStreamResponse response)
    {
        foreach (var range in response.Verdicts)
        {
            var status = StatusOf(range.Outcome);
            var text = range.Error?.ToString();
            for (var i = 0UL; i < range.Count; i++)
                rows.Settle((long)(range.First + i), status, text);
        }

        rows.Wake();
    }

    private static int StatusOf(Outcome outcome) => outcome switch
    {
        Outcome.Committed => 201,
        Outcome.Accepted => 202,
        Outcome.Rejected => 422,
        Outcome.NotWritten => 503,
        _ => 504,
    };
}
