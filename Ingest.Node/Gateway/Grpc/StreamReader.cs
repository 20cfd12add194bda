using Grpc.Core;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Gateway.Streaming;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// The reading loop of one gRPC stream: fills chunks with the rows of its messages, and submits each chunk when it is
/// full or when the caller pauses. What has been read is submitted however the stream ends.
/// </summary>
internal sealed class StreamReader(
    IAsyncStreamReader<Payload> requests,
    ChunkFiller filler,
    EncoderPool encoders,
    TableLookup tables,
    HttpContext context,
    IntakeOptions options,
    TimeProvider time)
{
    private static readonly Problem HeaderMissing = Invalid("The first message of a stream has a header.");
    private static readonly Problem ColumnsMissing = Invalid("A record needs a header that names its columns.");
    private static readonly Problem KeysUneven =
        Invalid("A message has as many idempotency keys as rows, or none.");

    private readonly Problem tooLarge = Problems.TooLarge(options.MaxRowBytes);
    private readonly StreamMessage message = new();
    private StreamHeader? header;
    private EncodingSlot? slot;
    private ulong next = 1;

    /// <summary>Reads to the end.</summary>
    /// <param name="stopping">The node stops: nothing more is read.</param>
    /// <returns>Why the stream ended early; null where it ended in order.</returns>
    public async Task<Problem?> RunAsync(CancellationToken stopping)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await using var watch = new IdleWatch(stop.Cancel, options.StreamIdleTimeout, time);
        try
        {
            return await ReadAsync(stop, watch);
        }
        catch (OperationCanceledException) when (watch.HasEnded)
        {
            return Problems.StreamIdle;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Problems.StreamClosing;
        }
        catch (ProtobufException malformed)
        {
            return Invalid(malformed.Message);
        }
        catch (RpcException refused) when (refused.StatusCode == StatusCode.ResourceExhausted)
        {
            return Problems.RequestInvalid(StatusCodes.Status413PayloadTooLarge, refused.Status.Detail);
        }
        finally
        {
            await filler.CloseAsync();
            ReturnSlot();
        }
    }

    private async Task<Problem?> ReadAsync(CancellationTokenSource stop, IdleWatch watch)
    {
        while (true)
        {
            var pending = requests.MoveNext(stop.Token);
            if (!pending.IsCompleted && !await filler.SubmitAsync()) await stop.CancelAsync();
            if (!await WaitAsync(pending, watch)) return null;
            using var payload = requests.Current;
            if (await TakeAsync(payload) is { } ending) return ending;
            // A header alone keeps no stream open.
            if (message.Rows > 0) watch.Reset();
        }
    }

    private static async ValueTask<bool> WaitAsync(Task<bool> pending, IdleWatch watch)
    {
        if (pending.IsCompleted) return await pending;
        watch.Start();
        try
        {
            return await pending;
        }
        finally
        {
            watch.Stop();
        }
    }

    private async ValueTask<Problem?> TakeAsync(Payload payload)
    {
        message.Read(payload.Span);
        if (message.Header is { } piece)
        {
            if (await SetHeaderAsync(Header.Parser.ParseFrom(payload.Slice(piece))) is { } problem) return problem;
        }
        else if (header is null)
        {
            return HeaderMissing;
        }
        else if (!tables.IsCurrent(header.Table) && await SetHeaderAsync(header.Given) is { } problem)
        {
            // The table has changed since the stream began, which may be days ago.
            return problem;
        }

        if (message.Keys.Count > 0 && message.Keys.Count != message.Rows) return KeysUneven;
        if (message.First > 0) next = message.First;
        return await AddAsync(payload, message.Json, RowForm.Json, firstKey: 0)
            ?? await AddAsync(
                payload,
                message.Records,
                header!.Columns is { } columns ? RowForm.Record(columns) : null,
                firstKey: message.Json.Count);
    }

    private async ValueTask<Problem?> AddAsync(
        Payload payload, IReadOnlyList<Piece> rows, RowForm? form, int firstKey)
    {
        for (var i = 0; i < rows.Count; i++)
        {
            await AddRowAsync(payload, rows[i], form, firstKey + i);
            next++;
            if (filler.IsFull && !await filler.SubmitAsync()) return Problems.StreamClosing;
        }

        return null;
    }

    private ValueTask AddRowAsync(Payload payload, Piece piece, RowForm? form, int index)
    {
        var number = (long)next;
        var table = header!.Table;
        var key = KeyOf(index);
        if (form is null) filler.Refuse(table, number, piece.Length, ColumnsMissing);
        else if (piece.Length > options.MaxRowBytes) filler.Refuse(table, number, piece.Length, tooLarge);
        else if (key is { IsValid: false }) filler.Refuse(table, number, piece.Length, IdempotencyKey.Malformed);
        else if (!filler.TryAdd(slot!, form.Value, number, payload.Slice(piece), key?.Text))
            return filler.AddLaterAsync(slot!, form.Value, number, payload.Slice(piece), key?.Text);
        return ValueTask.CompletedTask;
    }

    private (string Text, bool IsValid)? KeyOf(int index)
    {
        if (message.Keys.Count > 0 && message.Keys[index] is { Length: > 0 } own)
            return (own, IdempotencyKey.IsValid(own));
        return header!.Key is { } prefix ? (IdempotencyKey.OfLine(prefix, (long)next), true) : null;
    }

    private async ValueTask<Problem?> SetHeaderAsync(Header given)
    {
        // A chunk is for one table, and its rows are of one mind.
        if (!await filler.SubmitAsync()) return Problems.StreamClosing;
        var (read, problem) = await StreamHeader.ReadAsync(given, tables, context);
        if (read is null) return problem;
        header = read;
        filler.OmitsIds = given.OmitIds;
        filler.Acknowledge = Acknowledgement.Of(given.Acknowledge);
        ReturnSlot();
        slot = encoders.Rent(read.Table);
        return null;
    }

    private void ReturnSlot()
    {
        if (slot is not null) encoders.Return(slot);
        slot = null;
    }

    private static Problem Invalid(string detail) =>
        Problems.RequestInvalid(StatusCodes.Status400BadRequest, detail);
}
