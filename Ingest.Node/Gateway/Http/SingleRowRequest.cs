using System.Buffers;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary>One row, one answer, over HTTP.</summary>
internal sealed class SingleRowRequest(IRowGateway gateway, SingleRow rows, IntakeOptions options)
{
    /// <summary>Takes one JSON object that came over HTTP.</summary>
    /// <param name="body">Where the row was read from; released as soon as the row is encoded.</param>
    /// <param name="row">The whole body.</param>
    /// <returns>What is to be submitted, and then given to <see cref="Answer"/>; null where the request has its answer
    /// already.</returns>
    public async ValueTask<Submission?> TakeAsync(
        HttpContext context, TableDescriptor table, PipeReader body, ReadOnlySequence<byte> row)
    {
        Submission? submission = null;
        var problem = IdempotencyHeader.Read(context.Request, out var key);
        if (problem is null)
        {
            var acknowledge = Preference.Read(context.Request);
            (submission, problem) = await rows.TakeAsync(context, table, row, RowForm.Json, key, acknowledge);
        }

        body.AdvanceTo(row.End);
        if (problem is not null) await Answers.Write(context, options, problem);
        return submission;
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
        SingleRow.LeaveTimingToSubmission(context);
        var status = Answers.StatusOf(submission, 0);
        Answers.Write(context, status, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }
}
