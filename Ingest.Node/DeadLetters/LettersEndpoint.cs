using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Observability;

namespace Ingest.Node.DeadLetters;

/// <summary><c>/v1/dead-letters</c>: many letters, by filter.</summary>
internal sealed class LettersEndpoint(
    LetterStore store, LetterQuery query, BulkReplay replay, NodeMetrics metrics, IntakeOptions options)
{
    private const int DefaultLimit = 100;
    private const int MostLetters = 1_000;

    private static readonly Problem NoFilter = Problems.RequestInvalid(
        StatusCodes.Status400BadRequest,
        "Without a filter this would concern every dead letter: give one, or all=true.");

    /// <summary>GET: a page of letters, the newest first.</summary>
    public async Task ListAsync(HttpContext context)
    {
        var (filter, _, problem) = await query.ReadAsync(context, Scope.ReadDeadLetters, "limit", "after");
        if (!TryReadLimit(context.Request.Query["limit"], out var limit))
        {
            problem ??= Invalid(
                string.Create(CultureInfo.InvariantCulture, $"The parameter limit is 1 to {MostLetters}."));
        }

        if (!TryReadCursor(context.Request.Query["after"], out var after))
            problem ??= Invalid("The parameter after is what an earlier page gave as next.");
        if (problem is not null)
        {
            await Answers.Write(context, options, problem);
            return;
        }

        var (letters, hasMore) = await store.ReadAsync(filter, after, newestFirst: true, limit, context.RequestAborted);
        var buffer = new JsonBuffer();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteStartArray("deadLetters"u8);
        foreach (var letter in letters) LetterJson.Write(buffer.Json, letter);
        buffer.Json.WriteEndArray();
        buffer.Json.WriteString("next"u8, hasMore ? CursorOf(letters[^1].Id) : null);
        buffer.Json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
    }

    /// <summary>DELETE: discards letters.</summary>
    public async Task DiscardAsync(HttpContext context)
    {
        var (filter, problem) = await ReadBulkAsync(context, "all");
        if (problem is not null)
        {
            await Answers.Write(context, options, problem);
            return;
        }

        var newest = await store.NewestAsync(context.RequestAborted);
        long discarded = 0;
        IReadOnlyList<(string Table, long Letters)> some;
        do
        {
            // What was discarded stays so: a caller who hangs up only ends the work behind that.
            some = await store.DiscardSomeAsync(filter, newest, context.RequestAborted);
            foreach (var (table, letters) in some)
            {
                discarded += letters;
                metrics.Of(table).Letters.Add(LetterEvent.Discarded, letters);
            }
        }
        while (some.Count > 0);
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteNumber("discarded"u8, discarded);
        buffer.Json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }

    /// <summary>POST .../replay: replays letters, the oldest first.</summary>
    public async Task ReplayAsync(HttpContext context)
    {
        var (filter, problem) = await ReadBulkAsync(context, "all", "verdicts");
        if (!Gateway.Http.Streaming.VerdictFilters.TryParse(context.Request.Query["verdicts"], out var verdicts))
            problem ??= Invalid("The parameter verdicts is all, errors or none.");
        if (problem is not null) await Answers.Write(context, options, problem);
        else await replay.RunAsync(context, filter, verdicts);
    }

    private async Task<(LetterFilter Filter, Problem? Problem)> ReadBulkAsync(
        HttpContext context, params string[] others)
    {
        var (filter, isEmpty, problem) = await query.ReadAsync(context, Scope.Administer, others);
        if (problem is null && isEmpty && context.Request.Query["all"] != "true") problem = NoFilter;
        return (filter, problem);
    }

    private static bool TryReadLimit(string? text, out int limit)
    {
        limit = DefaultLimit;
        return text is null
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit)
                && limit is >= 1 and <= MostLetters);
    }

    private static string CursorOf(long id) =>
        Base64Url.EncodeToString(Encoding.ASCII.GetBytes(id.ToString(CultureInfo.InvariantCulture)));

    private static bool TryReadCursor(string? text, out long? after)
    {
        after = null;
        if (text is null) return true;
        if (!Base64Url.IsValid(text)) return false;
        var isId = long.TryParse(
            Base64Url.DecodeFromChars(text), NumberStyles.None, CultureInfo.InvariantCulture, out var id);
        after = id;
        return isId;
    }

    private static Problem Invalid(string detail) =>
        Problems.RequestInvalid(StatusCodes.Status400BadRequest, detail);
}
