using System.Buffers;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary>One row, one answer, over HTTP.</summary>
internal sealed class SingleRowRequest(
    IRowGateway gateway, SingleRow rows, TableAccess access, IntakeOptions options)
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
        var problem = IdempotencyHeader.Read(context.Request, out var key)
            ?? await rows.EncodeAsync(row, RowForm.Json, key, submission);
        body.AdvanceTo(row.End);
        submission.Acknowledge = Preference.Read(context.Request);
        submission.Caller = access.CallerOf(context);
        problem ??= rows.TryAdmit(submission);
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
