using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>
/// Rows for some tables that ask to be accepted, sent by NDJSON as fast as they are taken, and the receipts of a sample
/// of them. Nobody else writes these tables.
/// </summary>
internal sealed class AcceptedBurst(IReadOnlyList<RowLog> logs) : IDisposable
{
    private const int RowsOfRequest = 10_000;

    /// <summary>The receipt of one row in so many is kept.</summary>
    private const int Sampled = 1_000;

    private static readonly byte[] NewLine = [(byte)'\n'];

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly List<(int Row, string Receipt)> receipts = [];

    public int ReceiptsKept => receipts.Count;

    /// <summary>Rows that the tables will have in the end: those that were accepted and that no constraint
    /// refuses.</summary>
    public long Good { get; private set; }

    public long Accepted { get; private set; }

    /// <summary>Sends the rows, in equal parts for each table; table by table through the nodes in turn.</summary>
    public Task SendAsync(IReadOnlyList<NodeProcess> nodes, int rows) => Task.WhenAll(logs.Select((log, index) =>
        SendAsync(log, nodes[index % nodes.Count], rows / logs.Count)));

    /// <summary>Asks a node for the receipts of the sample.</summary>
    /// <param name="wait">How long each may wait for its row's end, as the call has it.</param>
    /// <returns>How many had each status, but for those of rows that a constraint refuses and that were
    /// <c>rejected</c>.</returns>
    public async Task<IReadOnlyDictionary<string, int>> AskAsync(NodeProcess node, string wait)
    {
        var statuses = new Dictionary<string, int>();
        foreach (var (row, receipt) in receipts)
        {
            var answer = await http.GetFromJsonAsync<JsonElement>(
                new Uri(node.Url, $"/v1/receipts/{receipt}?wait={wait}"));
            var status = answer.GetProperty("status").GetString()!;
            if (FaultLoad.IsBad(row) && status == "rejected") status = "committed";
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
        }

        return statuses;
    }

    public void Dispose() => http.Dispose();

    private async Task SendAsync(RowLog log, NodeProcess node, int rows)
    {
        for (var sent = 0; sent < rows;)
        {
            var count = Math.Min(RowsOfRequest, rows - sent);
            sent += count;
            var numbers = new int[count];
            using var body = new MemoryStream();
            for (var i = 0; i < count; i++)
            {
                numbers[i] = log.Begin();
                body.Write(FaultLoad.Row(numbers[i]));
                body.Write(NewLine);
            }

            var answer = await PostAsync(node, log.Table, body);
            foreach (var line in answer.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Settle(log, numbers, line);
        }
    }

    private async Task<string> PostAsync(NodeProcess node, string table, MemoryStream body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node.Url, $"/v1/tables/{table}/rows"))
        {
            Content = new ByteArrayContent(body.GetBuffer(), 0, (int)body.Length),
        };
        request.Headers.Add("Prefer", "respond-async");
        request.Content.Headers.ContentType = new("application/x-ndjson");
        using var response = await http.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? answer
            : throw new RunException($"The rows of a backlog were answered {(int)response.StatusCode}: {answer}");
    }

    private void Settle(RowLog log, int[] numbers, string text)
    {
        var verdict = VerdictLine.Parse(Encoding.UTF8.GetBytes(text));
        if (verdict.IsSummary) return;
        var row = numbers[verdict.Line - 1];
        var outcome = Tally.OutcomeOf(verdict.Status);
        log.Settle(row, outcome);
        if (outcome != RowOutcome.Accepted) return;
        lock (receipts)
        {
            Accepted++;
            if (!FaultLoad.IsBad(row)) Good++;
            if (row % Sampled != 0) return;
            using var json = JsonDocument.Parse(text);
            receipts.Add((row, json.RootElement.GetProperty("receipt").GetString()!));
        }
    }
}
