using System.Buffers;
using System.Data.Common;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Http.Framing;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// The reading loop of one stream: frames records, encodes them into chunks, and submits each chunk when it is full or
/// when the caller pauses, without waiting for verdicts. What has been read is submitted however the stream ends.
/// </summary>
internal sealed class RowReader(
    IRowGateway gateway,
    ChunkQueue queue,
    EncodingSlot slot,
    PipeReader body,
    RecordFramer framer,
    CsvHeader? header,
    string? key,
    Acknowledge? acknowledge,
    Problem tooLarge)
{
    private static readonly Problem Cut = Problems.Broken("The input ended within a quoted field.");

    private Chunk? open;

    /// <summary>Reads to the end.</summary>
    /// <param name="pending">The first read, already begun.</param>
    /// <returns>Why the stream ended early; null where it ended in order.</returns>
    public async Task<Problem?> RunAsync(ValueTask<ReadResult> pending)
    {
        Problem? ending;
        try
        {
            while (true)
            {
                var result = await pending;
                var buffer = result.Buffer;
                if (result.IsCanceled) ending = Problems.StreamClosing;
                else (ending, buffer) = await TakeAsync(buffer, result.IsCompleted);
                body.AdvanceTo(buffer.Start, buffer.End);
                if (ending is not null || result.IsCompleted) break;
                pending = body.ReadAsync(CancellationToken.None);
                if (!pending.IsCompleted && !await SubmitAsync()) body.CancelPendingRead();
            }
        }
        finally
        {
            await SubmitAsync();
            if (open?.Submission is { } unused) gateway.Return(unused);
        }

        return ending;
    }

    /// <summary>Takes all records that are there; gives back what is left of the input.</summary>
    private async ValueTask<(Problem? Ending, ReadOnlySequence<byte> Left)> TakeAsync(
        ReadOnlySequence<byte> input, bool isAll)
    {
        while (true)
        {
            var frame = framer.Next(ref input, isAll, out var record);
            if (frame is Frame.NeedsInput or Frame.End) return (null, input);
            if (frame == Frame.Broken) return (Problems.Broken(framer.BrokenBecause), input);
            if (!TryTake(frame, record)) await TakeWithKeysAsync(record);
            if (open is { IsFull: true } && !await SubmitAsync()) return (Problems.StreamClosing, input);
        }
    }

    /// <returns>False where the row needs a key first; then nothing has happened.</returns>
    private bool TryTake(Frame frame, in ReadOnlySequence<byte> record)
    {
        var chunk = open ??= OpenChunk();
        if (frame != Frame.Record)
        {
            Refuse(chunk, record.Length, frame == Frame.TooLong ? tooLarge : Cut);
            return true;
        }

        switch (slot.Encode(record, header, chunk.Submission!.Rows))
        {
            case EncodeResult.Encoded:
                chunk.AddRow(framer.Line, record.Length);
                if (key is not null)
                    chunk.Submission!.Keys.Add(
                        (IdempotencyKey.OfLine(key, framer.Line), IdempotencyKey.DigestOf(record)));
                return true;
            case EncodeResult.Invalid:
                Refuse(chunk, record.Length, Problems.Of(slot.Errors));
                return true;
            default:
                return false;
        }
    }

    private void Refuse(Chunk chunk, long bytes, Problem problem)
    {
        chunk.AddProblem(framer.Line, bytes, problem);
        gateway.CountInvalid(slot.Encoder.Table, 1);
    }

    private async ValueTask TakeWithKeysAsync(ReadOnlySequence<byte> record)
    {
        try
        {
            do await slot.Encoder.Table.Keys!.ReserveAsync(CancellationToken.None);
            while (!TryTake(Frame.Record, record));
        }
        catch (DbException)
        {
            Refuse(open!, record.Length, Problems.NoKeys);
        }
    }

    private Chunk OpenChunk()
    {
        var chunk = queue.RentChunk();
        chunk.Open(gateway.Rent(slot.Encoder.Table));
        chunk.Submission!.Acknowledge = acknowledge;
        return chunk;
    }

    /// <summary>Hands the open chunk on, if there is one.</summary>
    /// <returns>False where the node takes no more rows; the chunk's own are answered so.</returns>
    private async ValueTask<bool> SubmitAsync()
    {
        if (open is not { IsEmpty: false } chunk) return true;
        open = null;
        // Room for the verdicts first: rows that are admitted must not wait here.
        await queue.WaitForRoomAsync();
        if (chunk.HasRows)
        {
            var admission = await gateway.AdmitAsync(chunk.Submission!, CancellationToken.None);
#pragma warning disable CA2012 // The writing loop awaits it, once: verdicts are not waited for here.
            if (admission == Admission.Admitted) chunk.Settled = gateway.SubmitAsync(chunk.Submission!);
#pragma warning restore CA2012
            else chunk.Refused = Problems.Of(admission);
        }

        var isTaken = chunk.Refused is null;
        queue.Put(chunk);
        return isTaken;
    }
}
