using System.Buffers;
using System.Data.Common;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Intake;

/// <summary>
/// Checks and encodes the row of a request that has one, and lets it in. This is the path that most requests take: it
/// keeps nothing, and allocates nothing that is not pooled.
/// </summary>
internal sealed class SingleRow(IRowGateway gateway, EncoderPool encoders, TableLookup tables)
{
    /// <returns>Why the row may not enter; null where it may, and is to be submitted now.</returns>
    public Problem? TryAdmit(Submission submission) =>
        gateway.TryAdmit(submission) is not Admission.Admitted and var refusal ? Problems.Of(refusal) : null;

    /// <summary>Checks and encodes a row.</summary>
    /// <param name="key">The row's idempotency key; null where it has none.</param>
    /// <returns>What is wrong with it; null where it is in the submission.</returns>
    public ValueTask<Problem?> EncodeAsync(
        in ReadOnlySequence<byte> row, RowForm form, string? key, Submission submission)
    {
        var slot = encoders.Rent(submission.Table);
        var result = slot.Encode(row, form, submission.Rows);
        if (result == EncodeResult.NeedsKeys) return EncodeWithKeysAsync(row, form, key, slot, submission);
        if (result == EncodeResult.Invalid && slot.Errors.NamesUnknown)
            return EncodeAnewAsync(row, form, key, slot, submission);
        return ValueTask.FromResult(Finish(result, row, form, key, slot, submission));
    }

    /// <summary>The row gives a column that the table does not have, unless that was added a moment ago.</summary>
    private async ValueTask<Problem?> EncodeAnewAsync(
        ReadOnlySequence<byte> row, RowForm form, string? key, EncodingSlot slot, Submission submission)
    {
        var now = await tables.LookAgainAsync(submission.Table);
        if (ReferenceEquals(now, submission.Table))
            return Finish(EncodeResult.Invalid, row, form, key, slot, submission);
        encoders.Return(slot);
        submission.Table = now;
        slot = encoders.Rent(now);
        var result = slot.Encode(row, form, submission.Rows);
        return result == EncodeResult.NeedsKeys
            ? await EncodeWithKeysAsync(row, form, key, slot, submission)
            : Finish(result, row, form, key, slot, submission);
    }

    private async ValueTask<Problem?> EncodeWithKeysAsync(
        ReadOnlySequence<byte> row, RowForm form, string? key, EncodingSlot slot, Submission submission)
    {
        try
        {
            EncodeResult result;
            do await submission.Table.Keys!.ReserveAsync(CancellationToken.None);
            while ((result = slot.Encode(row, form, submission.Rows)) == EncodeResult.NeedsKeys);
            return Finish(result, row, form, key, slot, submission);
        }
        catch (DbException)
        {
            return Problems.NoKeys;
        }
    }

    private Problem? Finish(
        EncodeResult result,
        in ReadOnlySequence<byte> row,
        RowForm form,
        string? key,
        EncodingSlot slot,
        Submission submission)
    {
        var problem = result == EncodeResult.Encoded ? null : Problems.Of(slot.Errors);
        if (problem is not null) gateway.CountInvalid(slot.Encoder.Table, 1);
        else if (key is not null) submission.Keys.Add((key, IdempotencyKey.DigestOf(row, form)));
        encoders.Return(slot);
        return problem;
    }
}
