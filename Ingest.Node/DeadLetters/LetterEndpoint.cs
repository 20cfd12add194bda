using System.Globalization;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Observability;

namespace Ingest.Node.DeadLetters;

/// <summary><c>/v1/dead-letters/{id}</c>: one letter.</summary>
internal sealed class LetterEndpoint(
    LetterStore store,
    LetterReplay replay,
    NodeMetrics metrics,
    LetterEdit edit,
    ITableCatalog catalog,
    TableAccess access,
    IntakeOptions options)
{
    /// <summary>A letter that changes faster than this, between its reading and its writing, is left.</summary>
    private const int MostTries = 5;

    private static readonly Problem PreconditionFailed = new(
        StatusCodes.Status412PreconditionFailed,
        ProblemTypes.PreconditionFailed,
        "The dead letter is not what If-Match says any more. Read it again.");

    private static readonly Problem Replayed = new(
        StatusCodes.Status409Conflict, ProblemTypes.DeadLetterReplayed, "The dead letter was replayed already.");

    private static readonly Problem Busy = new(
        StatusCodes.Status409Conflict, ProblemTypes.DeadLetterChanged, "The dead letter keeps changing; try again.");

    /// <summary>GET.</summary>
    public Task ShowAsync(HttpContext context) => WithLetterAsync(context, Scope.ReadDeadLetters, letter =>
    {
        WriteLetter(context, letter);
        return Task.FromResult<Problem?>(null);
    });

    /// <summary>PATCH: a JSON merge patch of the payload.</summary>
    public async Task EditAsync(HttpContext context)
    {
        var (patch, problem) = await edit.ReadAsync(context.Request);
        if (problem is not null)
        {
            await Answers.Write(context, options, problem);
            return;
        }

        await WithLetterAsync(context, Scope.Administer, letter => ChangeAsync(context, letter, async now =>
        {
            var table = await catalog.FindAsync(now.Table, context.RequestAborted);
            if (table is null) return (UnknownTable.Of(now.Table, catalog.Tables), true);
            var (payload, invalid) = await edit.ApplyAsync(table, now, patch!);
            if (invalid is not null) return (invalid, true);
            if (!await store.EditAsync(now, payload!, context.RequestAborted)) return (null, false);
            WriteLetter(context, now with { Payload = payload });
            return (null, true);
        }));
    }

    /// <summary>DELETE: discards the letter.</summary>
    public Task DiscardAsync(HttpContext context) => WithLetterAsync(
        context,
        Scope.Administer,
        letter => ChangeAsync(context, letter, async now =>
        {
            if (!await store.DiscardAsync(now, context.RequestAborted)) return (null, false);
            metrics.Of(now.Table).Letters.Add(LetterEvent.Discarded, 1);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return (null, true);
        }));

    /// <summary>POST .../replay: answered as a create is.</summary>
    public Task ReplayAsync(HttpContext context) => WithLetterAsync(context, Scope.Administer, async letter =>
    {
        var id = letter.RowId ?? "null";
        if (letter.ReplayedAt is null)
        {
            if (!Matches(context.Request, letter)) return PreconditionFailed;
            var outcome = (await replay.ReplayAsync([letter], waits: false, CancellationToken.None))[0];
            if (outcome.Problem is not null) return outcome.Problem;
            metrics.Of(letter.Table).Letters.Add(LetterEvent.Replayed, 1);
            id = outcome.RowId!;
        }

        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WritePropertyName("id"u8);
        buffer.Json.WriteRawValue(id, skipInputValidation: true);
        buffer.Json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status201Created, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
        return null;
    });

    /// <summary>Finds the letter, and whether the caller may have it; answers with a problem, if there is
    /// one.</summary>
    private async Task WithLetterAsync(HttpContext context, Scope scopes, Func<DeadLetter, Task<Problem?>> answer)
    {
        var text = (string)context.Request.RouteValues["id"]!;
        var letter = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? await store.FindAsync(id, context.RequestAborted)
            : null;
        var problem = letter is null ? Unknown(text)
            : !access.Allows(context, scopes, letter.Table) ? Problems.Forbidden(scopes, letter.Table)
            : await answer(letter);
        if (problem is not null) await Answers.Write(context, options, problem);
    }

    /// <summary>Changes a letter that is still as it was read, and reads it again where it is not.</summary>
    /// <param name="change">The problem, and true where nothing is left to do.</param>
    private async Task<Problem?> ChangeAsync(
        HttpContext context, DeadLetter? letter, Func<DeadLetter, Task<(Problem? Problem, bool IsDone)>> change)
    {
        var id = letter!.Id;
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (letter is null) return Unknown(id.ToString(CultureInfo.InvariantCulture));
            if (letter.ReplayedAt is not null) return Replayed;
            if (!Matches(context.Request, letter)) return PreconditionFailed;
            var (problem, isDone) = await change(letter);
            if (isDone) return problem;
            letter = await store.FindAsync(id, context.RequestAborted);
        }

        return Busy;
    }

    /// <summary>True where the request does not say which state of the letter it means, or means this one.</summary>
    private static bool Matches(HttpRequest request, DeadLetter letter)
    {
        var tags = request.Headers.IfMatch;
        return tags.Count == 0 || tags.Any(tag => tag!.Split(',').Any(one => one.Trim() is var wanted
            && (wanted == "*" || wanted == letter.ETag)));
    }

    private static void WriteLetter(HttpContext context, DeadLetter letter)
    {
        context.Response.Headers.ETag = letter.ETag;
        var buffer = JsonBuffer.Rent();
        LetterJson.Write(buffer.Json, letter);
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }

    private static Problem Unknown(string id) => new(
        StatusCodes.Status404NotFound, ProblemTypes.NotFound, $"There is no dead letter {id}.");
}
