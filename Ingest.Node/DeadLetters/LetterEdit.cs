using System.Buffers;
using System.Text;
using System.Text.Json;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;
using Microsoft.Net.Http.Headers;

namespace Ingest.Node.DeadLetters;

/// <summary>An edit of a letter: a JSON merge patch of the letter, of which only the payload can be changed.</summary>
internal sealed class LetterEdit(IntakeOptions options, TableLookup tables)
{
    private const string MergePatchType = "application/merge-patch+json";

    private static readonly Problem NotAPatch = Problems.RequestInvalid(
        StatusCodes.Status400BadRequest,
        "The body is a JSON object with the member payload alone, an object: {\"payload\":{\"column\":value}}.");

    private static readonly Problem MediaType = new(
        StatusCodes.Status415UnsupportedMediaType,
        ProblemTypes.MediaTypeUnsupported,
        "An edit is taken as application/merge-patch+json (RFC 7396) or application/json.");

    /// <summary>Reads what a request changes in the payload.</summary>
    /// <returns>The patch of the payload, or what is wrong with the request.</returns>
    public async Task<(byte[]? Patch, Problem? Problem)> ReadAsync(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !(type.MediaType.Equals(MergePatchType, StringComparison.OrdinalIgnoreCase)
                || type.MediaType.Equals(MediaTypes.Json, StringComparison.OrdinalIgnoreCase)))
            return (null, MediaType);
        var body = request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(request.HttpContext.RequestAborted);
            var isTooLarge = read.Buffer.Length > options.MaxRowBytes;
            if (!isTooLarge && !read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var patch = isTooLarge ? [] : read.Buffer.ToArray();
            body.AdvanceTo(read.Buffer.End);
            return isTooLarge ? (null, Problems.TooLarge(options.MaxRowBytes)) : PayloadOf(patch);
        }
    }

    /// <summary>Applies a patch to a letter's payload.</summary>
    /// <returns>The new payload, or why the table would not take it.</returns>
    public async ValueTask<(string? Payload, Problem? Problem)> ApplyAsync(
        TableDescriptor table, DeadLetter letter, byte[] patch)
    {
        byte[] merged;
        try
        {
            merged = MergePatch.Apply(Encoding.UTF8.GetBytes(letter.Payload!), patch);
        }
        catch (JsonException error)
        {
            return (null, Problems.RequestInvalid(StatusCodes.Status400BadRequest, error.Message));
        }

        if (merged.Length > Math.Max(options.MaxRowBytes, letter.Payload!.Length))
            return (null, Problems.TooLarge(options.MaxRowBytes));
        var errors = ErrorsOf(merged, table);
        if (errors is { NamesUnknown: true }) errors = ErrorsOf(merged, await tables.LookAgainAsync(table));
        return errors is null ? (Encoding.UTF8.GetString(merged), null) : (null, Problems.Of(errors));
    }

    /// <returns>null where the table takes the row.</returns>
    private static RowErrors? ErrorsOf(byte[] row, TableDescriptor table)
    {
        var errors = new RowErrors();
        // A key that is left out is made when the row is replayed.
        var encoder = new RowEncoder(table) { WereTakenBefore = true };
        return encoder.EncodeJson(row, new RowBlock(), errors) == EncodeResult.Invalid ? errors : null;
    }

    private static (byte[]? Patch, Problem? Problem) PayloadOf(byte[] body)
    {
        try
        {
            if (MergePatch.MembersOf(body) is not [("payload", var range)]) return (null, NotAPatch);
            var patch = body[range];
            return patch[0] == '{' ? (patch, null) : (null, NotAPatch);
        }
        catch (JsonException)
        {
            return (null, NotAPatch);
        }
    }
}
