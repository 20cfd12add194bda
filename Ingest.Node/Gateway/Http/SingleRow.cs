using System.Buffers;
using System.Data.Common;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary>
/// One row, one answer. This is the path that most requests take: it keeps nothing, and allocates nothing that is not
/// pooled.
/// </summary>
internal sealed class SingleRow(
    IRowGateway gateway, EncoderPool encoders, TableLookup tables, TableAccess access, HttpOptions options)
{
    /// <summary>Takes one JSON object that came over HTTP.</summary>
    /// <param name="body">Where the row was read from; released as soon as the row is encoded.</param>
    /// <param name="row">The whole body.</param>
    /// <returns>What is to be submitted, and then given to <see cref="Answer"/>; null where the request has its answer
    /// already.</returns>
    public async ValueTask<Submission?> TakeAsync(
        HttpContext context, TableDescriptor table, PipeReader body, ReadOnlySequence<byte> row)
    {
        var submission = gateway.Rent(table);
        var problem = IdempotencyKey.Read(context.Request, out var key)
            ?? await EncodeAsync(row, RowForm.Json, key, submission);
        body.AdvanceTo(row.End);
        submission.Acknowledge = Preference.Read(context.Request);
        submission.Caller = access.CallerOf(context);
        problem ??= TryAdmit(submission);
        if (problem is null) return submission;
        gateway.Return(submission);
        await Answers.Write(context, options, problem);
        return null;
    }

    /// <summary>Answers with the row's verdict, and gives the submission back.</summary>
    public Task Answer(HttpContext context, Submission submission)
    {
        var problem = Problems.Of(submission[0]);
        if (problem is null) WriteTaken(context, submission);
        gateway.Return(submission);
        return problem is null ? Task.CompletedTask : Answers.Write(context, options, problem);
    }

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

    private static void WriteTaken(HttpContext context, Submission submission)
    {
        var isAccepted = submission[0].Kind == VerdictKind.Accepted;
        if (isAccepted && submission.Acknowledge == Acknowledge.Accepted) Preference.Applied(context.Response);
        var buffer = JsonBuffer.Rent();
        var rows = submission.Rows;
        buffer.Json.WriteStartObject();
        buffer.Json.WritePropertyName("id"u8);
        if (submission[0].RepeatedId is { } repeated) buffer.Json.WriteRawValue(repeated);
        else RowEncoder.WriteKey(submission.Table, rows.ShapeOf(0), rows.Tuple(0), buffer.Json);
        if (isAccepted) buffer.Json.WriteString("receipt"u8, submission.ReceiptOf(0).ToString());
        buffer.Json.WriteEndObject();
        // These are timed as submissions already; to time each of them here as well would cost a tenth of its way.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } timing) timing.MetricsDisabled = true;
        var status = Answers.StatusOf(submission, 0);
        Answers.Write(context, status, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }
}
