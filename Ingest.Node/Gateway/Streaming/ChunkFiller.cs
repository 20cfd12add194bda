using System.Buffers;
using System.Data.Common;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Streaming;

/// <summary>
/// Where the reading loop of a stream puts its rows: encodes each into the open chunk, and submits a chunk without
/// waiting for its verdicts. What rows look like, and where one ends, is the loop's own business.
/// </summary>
internal sealed class ChunkFiller(IRowGateway gateway, ChunkQueue queue)
{
    private Chunk? open;

    /// <summary>Where a row with an unknown column is looked up again; null where it is refused at once.</summary>
    public TableLookup? Tables { get; init; }

    /// <summary>Whose stream it is; null where the node does not know, or need not.</summary>
    public Caller? Caller { get; init; }

    /// <summary>Whether the verdicts of chunks from the next one on go without ids.</summary>
    public bool OmitsIds { get; set; }

    /// <summary>The level of acknowledgement of chunks from the next one on; null for the table's own.</summary>
    public Acknowledge? Acknowledge { get; set; }

    /// <summary>The open chunk has to be submitted before the next row is added.</summary>
    public bool IsFull => open is { IsFull: true };

    /// <summary>Encodes a row and adds it, or the problem that it has.</summary>
    /// <param name="number">The row's line, or the number that its caller gave it.</param>
    /// <param name="key">The row's idempotency key; null where it has none.</param>
    /// <returns>False where the row needs a key of its table first, or gives a column that may be new, by
    /// <see cref="AddLaterAsync"/>; then nothing has happened.</returns>
    public bool TryAdd(EncodingSlot slot, RowForm form, long number, in ReadOnlySequence<byte> row, string? key) =>
        TryAdd(slot, form, number, row, key, mayLook: Tables is not null && form.Header is null);

    private bool TryAdd(
        EncodingSlot slot, RowForm form, long number, in ReadOnlySequence<byte> row, string? key, bool mayLook)
    {
        var chunk = ChunkFor(slot.Encoder.Table);
        switch (slot.Encode(row, form, chunk.Submission!.Rows))
        {
            case EncodeResult.Encoded:
                chunk.AddRow(number, row.Length);
                if (key is not null) chunk.Submission!.Keys.Add((key, IdempotencyKey.DigestOf(row, form)));
                return true;
            case EncodeResult.Invalid when mayLook && slot.Errors.NamesUnknown:
                return false;
            case EncodeResult.Invalid:
                Refuse(slot.Encoder.Table, number, row.Length, Problems.Of(slot.Errors));
                return true;
            default:
                return false;
        }
    }

    /// <summary>As <see cref="TryAdd(EncodingSlot, RowForm, long, in ReadOnlySequence{byte}, string?)"/>, but looks at
    /// the table again, and reserves keys as often as it needs to.</summary>
    public async ValueTask AddLaterAsync(
        EncodingSlot slot, RowForm form, long number, ReadOnlySequence<byte> row, string? key)
    {
        try
        {
            if (slot.Errors.NamesUnknown)
            {
                await LookAgainAsync(slot);
                if (TryAdd(slot, form, number, row, key, mayLook: false)) return;
            }

            do await slot.Encoder.Table.Keys!.ReserveAsync(CancellationToken.None);
            while (!TryAdd(slot, form, number, row, key, mayLook: false));
        }
        catch (DbException)
        {
            Refuse(slot.Encoder.Table, number, row.Length, Problems.NoKeys);
        }
    }

    /// <summary>Adds a row that is refused.</summary>
    /// <param name="bytes">The size that it was read with.</param>
    public void Refuse(TableDescriptor table, long number, long bytes, Problem problem)
    {
        ChunkFor(table).AddProblem(number, bytes, problem);
        gateway.CountInvalid(table, 1);
    }

    /// <summary>Hands the open chunk on, if there is one.</summary>
    /// <returns>False where the node takes no more rows; the chunk's own are answered so.</returns>
    public async ValueTask<bool> SubmitAsync()
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

    /// <summary>Submits what is there, and gives back what is not used: the stream has ended.</summary>
    public async ValueTask CloseAsync()
    {
        await SubmitAsync();
        if (open?.Submission is { } unused) gateway.Return(unused);
    }

    /// <summary>Goes on with the table as it is now; rows of its former state are submitted as what they are.</summary>
    private async ValueTask LookAgainAsync(EncodingSlot slot)
    {
        var now = await Tables!.LookAgainAsync(slot.Encoder.Table);
        if (ReferenceEquals(now, slot.Encoder.Table)) return;
        await SubmitAsync();
        if (open?.Submission is { } unused) unused.Table = now;
        slot.MoveTo(now);
    }

    private Chunk ChunkFor(TableDescriptor table)
    {
        if (open is not null) return open;
        open = queue.RentChunk();
        var submission = gateway.Rent(table);
        submission.Acknowledge = Acknowledge;
        submission.Caller = Caller;
        open.Open(submission, OmitsIds);
        return open;
    }
}
