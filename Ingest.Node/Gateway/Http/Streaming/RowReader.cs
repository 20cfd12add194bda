using System.Buffers;
using System.IO.Pipelines;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http.Framing;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Gateway.Streaming;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// The reading loop of one HTTP stream: frames records, fills chunks with them, and submits each chunk when it is full
/// or when the caller pauses. What has been read is submitted however the stream ends.
/// </summary>
internal sealed class RowReader(
    ChunkFiller filler,
    EncodingSlot slot,
    PipeReader body,
    RecordFramer framer,
    RowForm form,
    string? key,
    Problem tooLarge,
    IdleWatch watch,
    PartialRows partial)
{
    private static readonly Problem Cut = Problems.Broken("The input ended within a quoted field.");

    /// <summary>Reads to the end.</summary>
    /// <param name="pending">The first read, already begun.</param>
    /// <returns>Why the stream ended early; null where it ended in order.</returns>
    public async Task<Problem?> RunAsync(ValueTask<ReadResult> pending)
    {
        Problem? ending;
        long share = 0;
        try
        {
            while (true)
            {
                var result = await WaitAsync(pending);
                var buffer = result.Buffer;
                var line = framer.Line;
                if (result.IsCanceled) ending = watch.HasEnded ? Problems.StreamIdle : Problems.StreamClosing;
                else (ending, buffer) = await TakeAsync(buffer, result.IsCompleted);
                if (framer.Line != line) watch.Reset();
                if (!partial.TryHold(ref share, buffer.Length)) ending ??= Problems.PartialFull;
                body.AdvanceTo(buffer.Start, buffer.End);
                if (ending is not null || result.IsCompleted) break;
                pending = body.ReadAsync(CancellationToken.None);
                if (!pending.IsCompleted && !await filler.SubmitAsync()) body.CancelPendingRead();
            }
        }
        finally
        {
            partial.TryHold(ref share, 0);
            await filler.CloseAsync();
        }

        return ending;
    }

    private ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> pending)
    {
        return pending.IsCompleted ? pending : WatchAsync(pending);

        async ValueTask<ReadResult> WatchAsync(ValueTask<ReadResult> read)
        {
            watch.Start();
            try
            {
                return await read;
            }
            finally
            {
                watch.Stop();
            }
        }
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
            var table = slot.Encoder.Table;
            if (frame == Frame.TooLong) filler.Refuse(table, framer.Line, record.Length, tooLarge);
            else if (frame != Frame.Record) filler.Refuse(table, framer.Line, record.Length, Cut);
            else await AddAsync(record);
            if (filler.IsFull && !await filler.SubmitAsync()) return (Problems.StreamClosing, input);
        }
    }

    private ValueTask AddAsync(in ReadOnlySequence<byte> record)
    {
        var keyOfLine = key is null ? null : IdempotencyKey.OfLine(key, framer.Line);
        return filler.TryAdd(slot, form, framer.Line, record, keyOfLine)
            ? ValueTask.CompletedTask
            : filler.AddLaterAsync(slot, form, framer.Line, record, keyOfLine);
    }
}
