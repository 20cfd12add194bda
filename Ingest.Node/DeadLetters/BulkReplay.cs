using System.Data.Common;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Http.Streaming;
using Ingest.Node.Observability;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// Replays letters by filter, the oldest first and some hundreds at a time, and streams their verdicts. Each letter is
/// tried once, whatever becomes of it, and letters that are newer than the request are left.
/// </summary>
internal sealed class BulkReplay(
    LetterStore store, LetterReplay replay, NodeMetrics metrics, IHostApplicationLifetime lifetime, Failures failures)
{
    /// <summary>Letters under way together.</summary>
    private const int AtOnce = 500;

    private static readonly Problem Unreadable = new(
        StatusCodes.Status503ServiceUnavailable,
        ProblemTypes.RowNotWritten,
        "The database cannot be reached. Letters with a verdict are settled by it; the others are as they were.")
    {
        MayRetry = true,
    };

    /// <summary>Serves one request: NDJSON, a verdict a line, then the summary.</summary>
    public async Task RunAsync(HttpContext context, LetterFilter filter, VerdictFilter verdicts)
    {
        // Asked before the answer begins, so that a database that is away is a plain 503.
        var newest = await store.NewestAsync(context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = MediaTypes.Ndjson;
        var run = new Run(filter, newest, verdicts);
        Problem? ending;
        try
        {
            ending = await RunAsync(context, run);
        }
        catch (DbException)
        {
            ending = Unreadable;
        }
        catch (Exception error)
        {
            ending = failures.ProblemOf(context, error);
        }

        run.WriteSummary(ending);
        await run.SendAsync(context);
    }

    /// <returns>Why it ended before the last letter; null where it did not.</returns>
    private async Task<Problem?> RunAsync(HttpContext context, Run run)
    {
        var hasMore = true;
        while (hasMore)
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested) return Problems.Closing;
            (var letters, hasMore) = await store.ReadAsync(
                run.Filter, run.Last, newestFirst: false, AtOnce, context.RequestAborted);
            foreach (var table in letters.Where(letter => letter.Id <= run.Newest).GroupBy(letter => letter.Table))
            {
                foreach (var outcome in await replay.ReplayAsync([.. table], waits: true, context.RequestAborted))
                {
                    run.Write(outcome);
                    if (outcome.Problem is null) metrics.Of(outcome.Letter.Table).Letters.Add(LetterEvent.Replayed, 1);
                }
            }

            if (letters.Count > 0) run.Last = letters[^1].Id;
            await run.SendAsync(context);
            // Where rows cannot be written now, the next ones would only wait for their time to run out.
            if (run.Obstacle is not null) return run.Obstacle;
            if (run.Last >= run.Newest) break;
        }

        return null;
    }

    /// <summary>The state of one request.</summary>
    private sealed class Run(LetterFilter filter, long newest, VerdictFilter verdicts)
    {
        private readonly JsonBuffer buffer = new();
        private long replayed;
        private long rejected;
        private long skipped;
        private long notWritten;
        private long unknown;

        public LetterFilter Filter => filter;

        public long Newest => newest;

        /// <summary>The letter that was read last.</summary>
        public long? Last { get; set; }

        /// <summary>Why some letter was not written that may be written later.</summary>
        public Problem? Obstacle { get; private set; }

        public void Write(ReplayedLetter outcome)
        {
            Count(outcome);
            if (verdicts == VerdictFilter.None || (verdicts == VerdictFilter.Errors && outcome.Problem is null)) return;
            var json = buffer.Json;
            json.WriteStartObject();
            json.WriteNumber("deadLetter"u8, outcome.Letter.Id);
            json.WriteNumber("status"u8, outcome.Problem?.Status ?? StatusCodes.Status201Created);
            if (outcome.Problem is { } problem)
            {
                json.WritePropertyName("error"u8);
                problem.WriteTo(json);
            }
            else
            {
                json.WritePropertyName("id"u8);
                json.WriteRawValue(outcome.RowId!, skipInputValidation: true);
            }

            EndLine(json);
        }

        public void WriteSummary(Problem? ending)
        {
            var json = buffer.Json;
            json.WriteStartObject();
            json.WriteNumber("replayed"u8, replayed);
            json.WriteNumber("rejected"u8, rejected);
            if (skipped > 0) json.WriteNumber("skipped"u8, skipped);
            if (notWritten > 0) json.WriteNumber("notWritten"u8, notWritten);
            if (unknown > 0) json.WriteNumber("unknown"u8, unknown);
            if (ending is not null)
            {
                json.WritePropertyName("error"u8);
                ending.WriteTo(json);
            }

            EndLine(json);
        }

        /// <summary>Sends what was written, and waits while the caller does not read.</summary>
        public async ValueTask SendAsync(HttpContext context)
        {
            await context.Response.BodyWriter.WriteAsync(buffer.Bytes.WrittenMemory, CancellationToken.None);
            buffer.Clear();
        }

        private void Count(ReplayedLetter outcome)
        {
            if (outcome.Problem is null) replayed++;
            else if (outcome.Kind != VerdictKind.Rejected)
            {
                Obstacle = outcome.Problem;
                if (outcome.Kind == VerdictKind.NotWritten) notWritten++;
                else unknown++;
            }
            else if (outcome.Problem.Type == ProblemTypes.RowRejected
                || outcome.Problem.Type == ProblemTypes.RowInvalid)
                rejected++;
            else skipped++;
        }

        private void EndLine(Utf8JsonWriter json)
        {
            json.WriteEndObject();
            buffer.EndValue();
            System.Buffers.BuffersExtensions.Write(buffer.Bytes, "\n"u8);
        }
    }
}
