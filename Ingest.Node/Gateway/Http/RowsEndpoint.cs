using System.IO.Pipelines;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http.Framing;
using Ingest.Node.Gateway.Http.Streaming;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>POST /v1/tables/{table}/rows</c>: finds the table, and who can read the body.</summary>
internal sealed class RowsEndpoint(
    IRowGateway gateway,
    TableLookup tables,
    SingleRowRequest single,
    StreamSession streams,
    PartialRows partial,
    IntakeOptions options,
    FailureAnswers failures)
{
    private readonly Problem tooLarge = Problems.TooLarge(options.MaxRowBytes);

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            // All that a single row goes through is done at once, as a rule: this is the one place where it waits, so
            // that there is one state machine to keep for it.
            if (await TakeAsync(context) is not { } submission) return;
            await gateway.SubmitAsync(submission);
            await single.Answer(context, submission);
        }
        catch (Exception e)
        {
            await failures.AnswerAsync(context, e);
        }
    }

    /// <returns>A single row to be submitted; null where the request has its answer.</returns>
    private async ValueTask<Submission?> TakeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            await Answers.MethodNotAllowed(context, options, HttpMethods.Post);
            return null;
        }

        var (table, problem) = await tables.FindAsync(context);
        if (table is not null) return await TakeAsync(context, table);
        await Answers.Write(context, options, problem!);
        return null;
    }

    private ValueTask<Submission?> TakeAsync(HttpContext context, TableDescriptor table)
    {
        var format = MediaTypes.FormatOf(context.Request.ContentType);
        if (format == RowFormat.Unsupported) return NoneAsync(UnsupportedAsync(context));
        var filter = VerdictFilter.All;
        if (context.Request.QueryString.HasValue
            && !VerdictFilters.TryParse(context.Request.Query["verdicts"], out filter))
            return NoneAsync(Answers.Write(context, options, Problems.RequestInvalid(
                StatusCodes.Status400BadRequest, "The parameter verdicts is all, errors or none.")));
        if (!ContentCoding.TryOpen(context.Request, out var body)) return NoneAsync(UnknownCodingAsync(context));
        // Rows are limited one by one; a body may have any number of them.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        return format switch
        {
            RowFormat.Json => JsonAsync(context, table, body, filter),
            RowFormat.Csv => NoneAsync(CsvAsync(context, table, body, filter)),
            _ => NoneAsync(streams.RunAsync(
                context,
                table,
                body,
                new NdjsonFramer(options.MaxRowBytes),
                RowForm.Json,
                VerdictLayout.Lines,
                filter)),
        };
    }

    private static async ValueTask<Submission?> NoneAsync(Task answer)
    {
        await answer;
        return null;
    }

    private async ValueTask<Submission?> JsonAsync(
        HttpContext context, TableDescriptor table, PipeReader body, VerdictFilter filter)
    {
        long share = 0;
        try
        {
            while (true)
            {
                var result = await body.ReadAsync(CancellationToken.None);
                var buffer = result.Buffer;
                var first = Blank.FirstBehind(buffer);
                if (first == '[')
                {
                    body.AdvanceTo(buffer.Start);
                    break;
                }

                var isTooLarge = buffer.Length > options.MaxRowBytes;
                if (result.IsCompleted && first is not null && !isTooLarge)
                {
                    partial.TryHold(ref share, 0);
                    return await single.TakeAsync(context, table, body, buffer);
                }

                body.AdvanceTo(buffer.Start, buffer.End);
                var problem = isTooLarge ? tooLarge
                    : result.IsCompleted ? Problems.BodyEmpty
                    : partial.TryHold(ref share, buffer.Length) ? null
                    : Problems.PartialFull;
                if (problem is null) continue;
                await Answers.Write(context, options, problem);
                return null;
            }
        }
        finally
        {
            partial.TryHold(ref share, 0);
        }

        await ArrayAsync(context, table, body, filter);
        return null;
    }

    private Task ArrayAsync(HttpContext context, TableDescriptor table, PipeReader body, VerdictFilter filter)
    {
        var layout = MediaTypes.PrefersNdjson(context.Request.Headers.Accept) ? VerdictLayout.Lines
            : context.Request.Query.ContainsKey("verdicts") ? VerdictLayout.ArrayWithSummary
            : VerdictLayout.Array;
        return streams.RunAsync(
            context, table, body, new ArrayFramer(options.MaxRowBytes), RowForm.Json, layout, filter);
    }

    private async Task CsvAsync(HttpContext context, TableDescriptor table, PipeReader body, VerdictFilter filter)
    {
        var framer = new CsvFramer(options.MaxRowBytes);
        var (header, problem) = await CsvHeaderLine.ReadAsync(body, framer, table, tables, tooLarge);
        if (header is null) await Answers.Write(context, options, problem!);
        else await streams.RunAsync(
            context, header.Table, body, framer, RowForm.Csv(header), VerdictLayout.Lines, filter);
    }

    private Task UnsupportedAsync(HttpContext context)
    {
        context.Response.Headers.Accept = "application/json, application/x-ndjson, application/jsonl, text/csv";
        return Answers.Write(context, options, new Problem(
            StatusCodes.Status415UnsupportedMediaType,
            ProblemTypes.MediaTypeUnsupported,
            "Rows are taken as application/json, application/x-ndjson (or application/jsonl) and text/csv, in UTF-8."));
    }

    private Task UnknownCodingAsync(HttpContext context)
    {
        context.Response.Headers.AcceptEncoding = ContentCoding.Known;
        return Answers.Write(context, options, new Problem(
            StatusCodes.Status415UnsupportedMediaType,
            ProblemTypes.ContentCodingUnsupported,
            $"Bodies are taken as {ContentCoding.Known}, also one on top of the other, or without a coding."));
    }
}
