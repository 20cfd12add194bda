using System.IO.Pipelines;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http.Framing;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Gateway.Streaming;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// Serves bodies of any length: one loop reads rows, another writes their verdicts at the same time. The answer starts
/// at once, so what goes wrong afterwards is told by the line that it befalls or by the summary.
/// </summary>
internal sealed class StreamSession(
    IRowGateway gateway,
    EncoderPool encoders,
    TableLookup tables,
    TableAccess access,
    PartialRows partial,
    IntakeOptions options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    Failures failures)
{
    private readonly Problem tooLarge = Problems.TooLarge(options.MaxRowBytes);

    /// <summary>Serves one body.</summary>
    /// <param name="body">The body without its content codings, read up to where the rows begin.</param>
    /// <param name="form">How its rows are written; the header line of a CSV body has been read.</param>
    public async Task RunAsync(
        HttpContext context,
        TableDescriptor table,
        PipeReader body,
        RecordFramer framer,
        RowForm form,
        VerdictLayout layout,
        VerdictFilter filter)
    {
        if (IdempotencyHeader.Read(context.Request, out var key) is { } malformed)
        {
            await Answers.Write(context, options, malformed);
            return;
        }

        var acknowledge = Preference.Read(context.Request);
        if (acknowledge is not null) Preference.Applied(context.Response);
        // A stream may pause, and has a limit of its own for that.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        var first = await BeginAsync(context, body, layout);
        var queue = new ChunkQueue(options.StreamChunks);
        var sink = new VerdictWriter(context.Response.BodyWriter, layout, filter);
        var writing = new VerdictLoop(
            gateway, queue, sink, options.StreamIdleTimeout, time, context.Abort).RunAsync();
        var slot = encoders.Rent(table);
        var filler = new ChunkFiller(gateway, queue)
        {
            Acknowledge = acknowledge,
            Caller = access.CallerOf(context),
            Tables = tables,
        };
        await using var watch = new IdleWatch(() => PendingRead.Cancel(body), options.StreamIdleTimeout, time);
        var reader = new RowReader(filler, slot, body, framer, form, key, tooLarge, watch, partial);
        queue.Complete(await ReadAsync(context, reader, body, first));
        encoders.Return(slot);
        await writing;
    }

    /// <summary>Begins to read, then starts the answer: the first read makes Kestrel send 100 Continue.</summary>
    /// <returns>The first read.</returns>
    private static async ValueTask<ValueTask<ReadResult>> BeginAsync(
        HttpContext context, PipeReader body, VerdictLayout layout)
    {
        var first = body.ReadAsync(CancellationToken.None);
        // A body that does not decode from its first byte on can still be answered by a plain 400.
        if (first.IsCompleted || !ReferenceEquals(body, context.Request.BodyReader))
            first = new ValueTask<ReadResult>(await first);
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = layout.MediaType;
        await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
        return first;
    }

    private async Task<Problem?> ReadAsync(
        HttpContext context, RowReader reader, PipeReader body, ValueTask<ReadResult> first)
    {
        try
        {
            using var stopping = lifetime.ApplicationStopping.Register(() => PendingRead.Cancel(body));
            return await reader.RunAsync(first);
        }
        catch (Exception e)
        {
            return failures.ProblemOf(context, e);
        }
    }
}
