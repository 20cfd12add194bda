using System.Buffers;
using System.Data.Common;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Intake;

/// <summary>
/// Checks and encodes the row of a request that has one, and lets it in. This is the path that most requests take: it
/// keeps nothing, and allocates nothing that is not pooled.
/// </summary>
internal sealed class SingleRow(IRowGateway gateway, EncoderPool encoders, TableLookup tables, TableAccess access)
{
    /// <summary>Checks, encodes and admits a row.</summary>
    /// <param name="key">The row's idempotency key; null where it has none.</param>
    /// <param name="acknowledge">The level that the caller asks for; null for the table's own.</param>
    /// <returns>What is to be submitted now; or null and why the row may not enter.</returns>
    public async ValueTask<(Submission? Submission, Problem? Problem)> TakeAsync(
        HttpContext context,
        TableDescriptor table,
        ReadOnlySequence<byte> row,
        RowForm form,
        string? key,
        Acknowledge? acknowledge)
    {
        var submission = gateway.Rent(table);
        var problem = await EncodeAsync(row, form, key, submission);
        submission.Acknowledge = acknowledge;
        submission.Caller = access.CallerOf(context);
        if (problem is null && gateway.TryAdmit(submission) is not Admission.Admitted and var refusal)
            problem = Problems.Of(refusal);
        if (problem is null) return (submission, null);
        gateway.Return(submission);
        return (null, problem);
    }

    /// <summary>A row that was taken is timed as a submission already; to time its request as well would cost a tenth
    /// of its way.</summary>
    public static void LeaveTimingToSubmission(HttpContext context)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } timing) timing.MetricsDisabled = true;
    }

    /// <returns>What is wrong with the row; null where it is in the submission.</returns>
    private ValueTask<Problem?> EncodeAsync(
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
