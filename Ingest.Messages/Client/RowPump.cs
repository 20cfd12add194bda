using Grpc.Core;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Messages.Client;

/// <summary>
/// Keeps a stream open as long as there are rows, and opens another one where it broke. Each row gets its result, or is
/// sent again, for as long as the options say and as it cannot be written twice.
/// </summary>
internal sealed class RowPump(
    ApiClient api, Outbox outbox, IngestClientOptions options, Action<PendingRow, CreateResult> complete)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly string? keyPrefix = options.IdempotencyKeys ? Guid.NewGuid().ToString("N") : null;

    /// <summary>Runs until the outbox is closed and empty.</summary>
    public async Task RunAsync()
    {
        var pause = FirstPause;
        while (await outbox.WaitAsync(CancellationToken.None).ConfigureAwait(false))
        {
            var stream = new RowStream(api, outbox, keyPrefix, Settle);
            Judge(await ExchangeAsync(stream).ConfigureAwait(false));
            if (stream.HasVerdicts) pause = FirstPause;
            await PauseAsync(pause).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Runs one stream.</summary>
    /// <returns>Why it ended; null where all rows are settled and no more will come.</returns>
    private async Task<RpcException?> ExchangeAsync(RowStream stream)
    {
        try
        {
            Metadata headers = [];
            if (options.ApiKey is { } key) headers.Add("x-api-key", key);
            if (options.Token is { } token)
                headers.Add("authorization", $"Bearer {await token(CancellationToken.None).ConfigureAwait(false)}");
            return await stream.RunAsync(headers).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // A fault of the caller's own token or handler: as long as the pump runs, no row is forgotten.
            return new RpcException(new Status(StatusCode.Internal, e.Message, e));
        }
    }

    /// <summary>A row has its verdict: its result, unless it is worth another attempt.</summary>
    private void Settle(PendingRow row, CreateResult result)
    {
        row.LastError = result.Error;
        var isUnknown = result.Outcome == CreateOutcome.Unknown;
        row.IsUncertain |= isUnknown;
        if (!isUnknown && result.Outcome != CreateOutcome.NotWritten) complete(row, result);
        else if (IsExpired(row) || (isUnknown && !HasKey(row))) complete(row, GivenUp(row));
        else _ = RetryAsync(row);
    }

    /// <summary>The stream has ended early: what becomes of the rows that it left without a verdict.</summary>
    private void Judge(RpcException? ending)
    {
        if (ending is null) return;
        // Details come from the service itself, and it says of rows without a verdict that it has not taken them in.
        var isAnswer = ending.Trailers.Any(entry => entry.Key == "grpc-status-details-bin");
        var error = new CreateError(
            (int)ending.StatusCode, isAnswer ? ReasonOf(ending) : "CONNECTION", ending.Status.Detail);
        var unsettled = outbox.TakeUnsettled();
        // Verdicts come in order: the node stumbled over the first row that has none.
        var refused = IsFinal(ending.StatusCode) ? unsettled.FirstOrDefault()?.Target : null;
        var again = new List<PendingRow>();
        foreach (var row in unsettled)
        {
            row.LastError = error;
            row.IsUncertain |= !isAnswer && !IsFinal(ending.StatusCode);
            if (row.Target == refused && !row.IsUncertain)
                complete(row, new CreateResult(CreateOutcome.Rejected, Error: error));
            else if (row.Target == refused)
                complete(row, GivenUp(row));
            else if ((row.IsUncertain && !HasKey(row)) || IsExpired(row))
                complete(row, GivenUp(row));
            else
                again.Add(row);
        }

        outbox.RetryFirst(again);
        foreach (var row in outbox.TakeExpired(IsExpired))
        {
            row.LastError ??= error;
            complete(row, GivenUp(row));
        }
    }

    private static CreateResult GivenUp(PendingRow row) => new(
        row.IsUncertain ? CreateOutcome.Unknown : CreateOutcome.NotWritten, Error: row.LastError);

    /// <summary>Sending the same again would be answered the same.</summary>
    private static bool IsFinal(StatusCode code) => code is StatusCode.InvalidArgument or StatusCode.NotFound
        or StatusCode.PermissionDenied or StatusCode.Unauthenticated or StatusCode.FailedPrecondition;

    private static string ReasonOf(RpcException ending) => ending.StatusCode switch
    {
        StatusCode.NotFound => "TABLE_UNKNOWN",
        StatusCode.Unavailable => "NODE_CLOSING",
        StatusCode.PermissionDenied => "FORBIDDEN",
        StatusCode.Aborted => "STREAM_IDLE",
        _ => "REQUEST_INVALID",
    };

    private bool HasKey(PendingRow row) => keyPrefix is not null || row.Key is not null;

    private bool IsExpired(PendingRow row) => options.Time.GetElapsedTime(row.Since) >= options.RetryFor;

    private async Task RetryAsync(PendingRow row)
    {
        await PauseAsync(FirstPause * 4).ConfigureAwait(false);
        outbox.Add(row);
    }

    /// <summary>Half of a pause is chance: clients that lost the same node must not come back together.</summary>
    private Task PauseAsync(TimeSpan pause)
    {
#pragma warning disable CA5394 // Jitter needs no secrecy.
        var jittered = pause * (0.5 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394
        return Task.Delay(jittered, options.Time);
    }
}
