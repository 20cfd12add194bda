using System.IO.Pipelines;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Http.Framing;
using Ingest.Node.Gateway.Http.Streaming;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>POST /v1/tables/{table}/rows</c>: finds the table, and who can read the body.</summary>
internal sealed class RowsEndpoint(
    TableLookup tables,
    SingleRow single,
    StreamSession streams,
    PartialRows partial,
    HttpOptions options,
    Failures failures)
{
    private readonly Problem tooLarge = Problems.TooLarge(options.MaxRowBytes);

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            if (!HttpMethods.IsPost(context.Request.Method))
            {
                await Answers.MethodNotAllowed(context, options, HttpMethods.Post);
                return;
            }

            var (table, problem) = await tables.FindAsync(context, TableRoute.Of(context));
            if (table is null) await Answers.Write(context, options, problem!);
            else await AcceptAsync(context, table);
        }
        catch (Exception e)
        {
            await failures.AnswerAsync(context, e);
        }
    }

    private Task AcceptAsync(HttpContext context, TableDescriptor table)
    {
        var format = MediaTypes.FormatOf(context.Request.ContentType);
        if (format == RowFormat.Unsupported) return UnsupportedAsync(context);
        var filter = VerdictFilter.All;
        if (context.Request.QueryString.HasValue
            && !VerdictFilters.TryParse(context.Request.Query["verdicts"], out filter))
            return Answers.Write(context, options, Problems.RequestInvalid(
                StatusCodes.Status400BadRequest, "The parameter verdicts is all, errors or none."));
        if (!ContentCoding.TryOpen(context.Request, out var body)) return UnknownCodingAsync(context);
        // Rows are limited one by one; a body may have any number of them.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        return format switch
        {
            RowFormat.Json => JsonAsync(context, table, body, filter),
            RowFormat.Csv => CsvAsync(context, table, body, filter),
            _ => streams.RunAsync(
                context, table, body, new NdjsonFramer(options.MaxRowBytes), RowForm.Json, VerdictLayout.Lines, filter),
        };
    }

    private async Task JsonAsync(HttpContext context, TableDescriptor table, PipeReader body, VerdictFilter filter)
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
                    await single.AnswerAsync(context, table, body, buffer);
                    return;
                }

                body.AdvanceTo(buffer.Start, buffer.End);
                var problem = isTooLarge ? tooLarge
                    : result.IsCompleted ? Problems.BodyEmpty
                    : partial.TryHold(ref share, buffer.Length) ? null
                    : Problems.PartialFull;
                if (problem is null) continue;
                await Answers.Write(context, options, problem);
                return;
            }
        }
        finally
        {
            partial.TryHold(ref share, 0);
        }

        await ArrayAsync(context, table, body, filter);
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
