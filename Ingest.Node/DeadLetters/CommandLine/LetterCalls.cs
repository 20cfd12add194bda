using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Ingest.Node.DeadLetters.CommandLine;

/// <summary>The calls of a node that the commands make, and what they print.</summary>
internal sealed class LetterCalls(HttpClient http, IAnsiConsole console)
{
    private const string Path = "/v1/dead-letters";
    private const int MostInPage = 1_000;
    private const int ShownOfPayload = 60;

    private static readonly string[] Particulars = ["sqlstate", "constraint", "column"];

    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs a command, and says what went wrong with it.</summary>
    public async Task<int> TryAsync(Func<LetterCalls, Task<int>> command)
    {
        try
        {
            return await command(this);
        }
        catch (HttpRequestException error)
        {
            Line($"ingest: {http.BaseAddress} does not answer: {error.GetBaseException().Message}");
            return 1;
        }
    }

    public async Task<int> ListAsync(string query, int limit, bool asJson, CancellationToken cancellation)
    {
        var table = new Table().RoundedBorder();
        foreach (var title in new[] { "id", "table", "refused", "tries", "error", "row" }) table.AddColumn(title);
        var (listed, after) = (0, "");
        while (listed < limit)
        {
            var join = query.Length == 0 ? "?" : $"{query}&";
            var page = await SendAsync(
                HttpMethod.Get, $"{Path}{join}limit={Math.Min(limit - listed, MostInPage)}{after}", null, cancellation);
            if (page is not { } found) return 1;
            foreach (var letter in found.GetProperty("deadLetters").EnumerateArray())
            {
                listed++;
                if (asJson) Line(letter.GetRawText());
                else AddRow(table, letter);
            }

            if (found.GetProperty("next").GetString() is not { } next) break;
            after = $"&after={next}";
        }

        if (asJson) return 0;
        if (listed > 0) console.Write(table);
        else Line("There is no dead letter.");
        return 0;
    }

    public async Task<int> ShowAsync(long id, CancellationToken cancellation) =>
        Print(await SendAsync(HttpMethod.Get, Of(id), null, cancellation));

    public async Task<int> EditAsync(long id, string patch, CancellationToken cancellation)
    {
        var body = $$"""{"payload":{{patch}}}""";
        return Print(await SendAsync(HttpMethod.Patch, Of(id), body, cancellation));
    }

    public async Task<int> ReplayAsync(long[] ids, CancellationToken cancellation)
    {
        var failed = 0;
        foreach (var id in ids)
        {
            if (await SendAsync(HttpMethod.Post, $"{Of(id)}/replay", null, cancellation, id) is { } row)
                Line($"{id} is replayed as {row.GetProperty("id").GetRawText()}");
            else failed = 1;
        }

        return failed;
    }

    /// <summary>Replays by filter; prints the letters that were refused as they come, then the summary.</summary>
    public async Task<int> ReplayAsync(string query, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, new Uri($"{Path}/replay{query}&verdicts=errors", UriKind.Relative));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            Refused(await response.Content.ReadAsStringAsync(cancellation));
            return 1;
        }

        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        var last = default(JsonElement);
        while (await lines.ReadLineAsync(cancellation) is { } line)
        {
            last = JsonSerializer.Deserialize<JsonElement>(line);
            if (last.TryGetProperty("deadLetter", out var id))
                Line($"{id.GetRawText()} is refused: {Describe(last.GetProperty("error"))}");
        }

        // Without a summary the answer was cut off: what it said until then holds.
        if (last.ValueKind != JsonValueKind.Object || !last.TryGetProperty("replayed", out var replayed))
            throw new HttpRequestException("The answer ended before its summary.");
        var others = last.EnumerateObject()
            .Where(count => count.Value.ValueKind == JsonValueKind.Number && count.Name != "replayed")
            .Select(count => $"{count.Value.GetRawText()} {count.Name}");
        Line($"{replayed.GetRawText()} replayed, {string.Join(", ", others)}");
        if (last.TryGetProperty("error", out var ending)) Line($"ingest: {Describe(ending)}");
        return last.EnumerateObject().All(one => one.Name == "replayed" || one.Value.ToString() == "0") ? 0 : 1;
    }

    public async Task<int> DiscardAsync(long[] ids, CancellationToken cancellation)
    {
        var failed = 0;
        foreach (var id in ids)
        {
            if (await SendAsync(HttpMethod.Delete, Of(id), null, cancellation, id) is null) failed = 1;
            else Line(string.Create(CultureInfo.InvariantCulture, $"{id} is discarded"));
        }

        return failed;
    }

    public async Task<int> DiscardAsync(string query, CancellationToken cancellation)
    {
        if (await SendAsync(HttpMethod.Delete, Path + query, null, cancellation) is not { } answer) return 1;
        Line($"{answer.GetProperty("discarded").GetRawText()} discarded");
        return 0;
    }

    private static string Of(long id) => string.Create(CultureInfo.InvariantCulture, $"{Path}/{id}");

    /// <returns>null where the node refused the request, which is then printed.</returns>
    private async Task<JsonElement?> SendAsync(
        HttpMethod method, string path, string? body, CancellationToken cancellation, long? letter = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (body is not null)
        {
            request.Content = new StringContent(
                body, Encoding.UTF8, new MediaTypeHeaderValue("application/merge-patch+json"));
        }

        using var response = await http.SendAsync(request, cancellation);
        var text = await response.Content.ReadAsStringAsync(cancellation);
        if (response.IsSuccessStatusCode)
            return text.Length == 0 ? default(JsonElement) : JsonSerializer.Deserialize<JsonElement>(text);
        Refused(text, letter);
        return null;
    }

    private int Print(JsonElement? letter)
    {
        if (letter is null) return 1;
        Line(JsonSerializer.Serialize(letter, Indented));
        return 0;
    }

    private void Refused(string problem, long? letter = null)
    {
        var subject = letter is { } id ? string.Create(CultureInfo.InvariantCulture, $"{id} is refused") : "ingest";
        try
        {
            Line($"{subject}: {Describe(JsonSerializer.Deserialize<JsonElement>(problem))}");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            Line($"ingest: this is not a node's answer: {(problem.Length <= 200 ? problem : problem[..200])}");
        }
    }

    private static string Describe(JsonElement problem)
    {
        var detail = problem.GetProperty("detail").GetString();
        var parts = Particulars
            .Where(name => problem.TryGetProperty(name, out _))
            .Select(name => problem.GetProperty(name).GetString());
        var columns = problem.TryGetProperty("errors", out var errors) && !problem.TryGetProperty("sqlstate", out _)
            ? errors.EnumerateObject().Select(column => $"{column.Name} {column.Value[0].GetString()}")
            : [];
        var more = string.Join(", ", parts.Concat(columns));
        return more.Length == 0 ? $"{detail}" : $"{detail} ({more})";
    }

    private static void AddRow(Table table, JsonElement letter)
    {
        var payload = letter.GetProperty("payload").GetRawText();
        var shown = payload.Length <= ShownOfPayload ? payload : $"{payload[..ShownOfPayload]}...";
        string[] cells =
        [
            letter.GetProperty("id").GetRawText(),
            letter.GetProperty("table").GetString()!,
            letter.GetProperty("occurredAt").GetDateTimeOffset().ToString("u", CultureInfo.InvariantCulture),
            letter.GetProperty("attempts").GetRawText(),
            Describe(letter.GetProperty("error")),
            shown,
        ];
        // What callers sent is text, never markup, and never orders to a terminal.
        table.AddRow([.. cells.Select(cell => new Text(Printable(cell)))]);
    }

    /// <summary>Prints a line as it is, without folding it.</summary>
    private void Line(string text) => console.Profile.Out.Writer.WriteLine(Printable(text));

    private static string Printable(string text) =>
        text.Any(c => char.IsControl(c) && c is not ('\n' or '\r'))
            ? string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\r') ? '\uFFFD' : c))
            : text;
}
