using Grpc.Core;
using Ingest.Messages;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Gateway.Streaming;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// <c>ingest.v1.Ingest</c> over the same gateway, encoders and streaming engine as the HTTP endpoints. The proto file
/// is its reference.
/// </summary>
internal sealed class IngestService(
    IRowGateway gateway,
    SingleRow single,
    EncoderPool encoders,
    TableLookup tables,
    TableAccess access,
    IntakeOptions options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    Failures failures)
{
    private static readonly Problem RowMissing = Problems.RequestInvalid(
        StatusCodes.Status400BadRequest, "The request has no row: give json or values.");

    private readonly Problem tooLarge = Problems.TooLarge(options.MaxRowBytes);

    /// <summary>One row, one answer.</summary>
    public async Task<CreateResponse> CreateAsync(Payload payload, ServerCallContext call)
    {
        var context = call.GetHttpContext();
        try
        {
            // The one place where a row waits, as a rule, so that there is one state machine to keep for it.
            var (submission, problem) = await TakeAsync(payload, context);
            if (submission is null) throw GrpcProblems.ToException(problem!, options.RetryAfter);
            await gateway.SubmitAsync(submission);
            return ResponseTo(submission, context);
        }
        catch (ProtobufException malformed)
        {
            throw GrpcProblems.ToException(
                Problems.RequestInvalid(StatusCodes.Status400BadRequest, malformed.Message), options.RetryAfter);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw GrpcProblems.ToException(failures.ProblemOf(context, e), options.RetryAfter);
        }
    }

    /// <summary>Rows in, verdicts out, until the caller has closed its side and each row has its verdict.</summary>
    public async Task CreateStreamAsync(
        IAsyncStreamReader<Payload> requests,
        IServerStreamWriter<CreateStreamResponse> responses,
        ServerCallContext call)
    {
        var context = call.GetHttpContext();
        // Some clients wait for the headers before they send anything.
        await call.WriteResponseHeadersAsync([]);
        var queue = new ChunkQueue(options.StreamChunks);
        var writing = new VerdictLoop(
            gateway, queue, new StreamVerdicts(responses), options.StreamIdleTimeout, time, context.Abort).RunAsync();
        var filler = new ChunkFiller(gateway, queue) { Caller = access.CallerOf(context) };
        var reader = new StreamReader(requests, filler, encoders, tables, context, options, time);
        var ending = await ReadAsync(reader, context);
        queue.Complete(ending);
        await writing;
        if (ending is not null) throw GrpcProblems.ToException(ending, options.RetryAfter);
    }

    /// <summary>Takes what a call asks for, and gives its bytes back.</summary>
    /// <returns>A row to be submitted; or null and what is wrong with the call.</returns>
    /// <exception cref="ProtobufException">The message is malformed.</exception>
    private async ValueTask<(Submission? Submission, Problem? Problem)> TakeAsync(Payload payload, HttpContext context)
    {
        using var read = payload;
        var message = CreateMessage.Read(payload.Span);
        if (message.Syntax is not { } syntax) return (null, RowMissing);
        if (message.Row.Length > options.MaxRowBytes) return (null, tooLarge);
        if (message.Key is not null && !IdempotencyKey.IsValid(message.Key)) return (null, IdempotencyKey.Malformed);
        var (table, problem) = await tables.FindAsync(context, message.Table);
        if (table is null) return (null, problem);
        return await single.TakeAsync(
            context, table, payload.Slice(message.Row), new RowForm(syntax), message.Key, message.Acknowledge);
    }

    /// <summary>Answers with the row's verdict, and gives the submission back.</summary>
    private CreateResponse ResponseTo(Submission submission, HttpContext context)
    {
        var problem = Problems.Of(submission[0]);
        var response = problem is null ? TakenOf(submission) : null;
        gateway.Return(submission);
        if (response is null) throw GrpcProblems.ToException(problem!, options.RetryAfter);
        SingleRow.LeaveTimingToSubmission(context);
        return response;
    }

    private static CreateResponse TakenOf(Submission submission)
    {
        var response = new CreateResponse { Id = RowIds.ValueOf(submission, 0) };
        if (submission[0].Kind == VerdictKind.Accepted) response.Receipt = submission.ReceiptOf(0).ToString();
        return response;
    }

    private async Task<Problem?> ReadAsync(StreamReader reader, HttpContext context)
    {
        try
        {
            return await reader.RunAsync(lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            return failures.ProblemOf(context, e);
        }
    }
}
