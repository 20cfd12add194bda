using Google.Protobuf;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using ApiAcknowledge = Ingest.Messages.Api.V1.Acknowledge;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Messages.Client;

/// <summary>One CreateStream call: sends the rows that wait while it reads the verdicts of those before.</summary>
/// <param name="keyPrefix">What the rows' idempotency keys begin with; null where they have none.</param>
/// <param name="settle">Takes each row with its verdict.</param>
internal sealed class RowStream(
    ApiClient api, Outbox outbox, string? keyPrefix, Action<PendingRow, CreateResult> settle)
{
    private readonly List<PendingRow> message = [];
    private readonly List<PendingRow?> settled = [];
    private RowTarget? target;

    /// <summary>A verdict has come.</summary>
    public bool HasVerdicts { get; private set; }

    /// <summary>Runs until the stream ends.</summary>
    /// <returns>Why it ended; OK where all rows are settled and no more will come.</returns>
    public async Task<RpcException?> RunAsync(Metadata headers)
    {
        using var call = api.CreateStream(headers);
        using var ended = new CancellationTokenSource();
        var sending = SendAsync(call, ended.Token);
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                Settle(call.ResponseStream.Current);
            return null;
        }
        catch (RpcException ending)
        {
            return ending;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(false);
        }
    }

    private async Task SendAsync(
        AsyncDuplexStreamingCall<CreateStreamRequest, CreateStreamResponse> call, CancellationToken ended)
    {
        var requests = call.RequestStream;
        try
        {
            // The node sends them before it reads. Without them nothing was sent, so nothing is uncertain.
            await call.ResponseHeadersAsync.WaitAsync(ended).ConfigureAwait(false);
            while (await outbox.WaitAsync(ended).ConfigureAwait(false))
            {
                message.Clear();
                outbox.Take(message);
                // Waits while the node does not read: then rows gather, and their callers wait for room.
                await requests.WriteAsync(MessageOf(message), ended).ConfigureAwait(false);
            }

            await requests.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException or OperationCanceledException)
        {
            // The stream has ended; who reads it hears why.
        }
    }

    private CreateStreamRequest MessageOf(List<PendingRow> rows)
    {
        var request = new CreateStreamRequest { First = rows[0].Number };
        if (rows[0].Target != target)
        {
            target = rows[0].Target;
            request.Header = new Header
            {
                Table = target.Table,
                Acknowledge = LevelOf(target.Acknowledge),
                IdempotencyKey = keyPrefix ?? "",
            };
        }

        foreach (var row in rows) request.Json.Add(UnsafeByteOperations.UnsafeWrap(row.Json));
        if (rows.Exists(row => row.Key is not null))
            request.IdempotencyKeys.AddRange(rows.Select(row => row.Key ?? ""));
        return request;
    }

    private static ApiAcknowledge LevelOf(Acknowledge? level) => level switch
    {
        Acknowledge.Committed => ApiAcknowledge.Committed,
        Acknowledge.Accepted => ApiAcknowledge.Accepted,
        _ => ApiAcknowledge.Unspecified,
    };

    private void Settle(CreateStreamResponse response)
    {
        foreach (var verdicts in response.Verdicts)
        {
            HasVerdicts = true;
            settled.Clear();
            outbox.Settle(verdicts.First, verdicts.Count, settled);
            for (var index = 0; index < settled.Count; index++)
                if (settled[index] is { } row) settle(row, VerdictReader.ResultOf(verdicts, index));
        }
    }
}
