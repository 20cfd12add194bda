using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Ingest.Node;
using Ingest.Node.Cluster;

namespace Ingest.Tests.Node;

/// <summary>A whole node in this process, on free ports: sockets, actors and database are real.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly NodeHost host;

    private TestNode(NodeHost host)
    {
        this.host = host;
        Http = new HttpClient { BaseAddress = new Uri(host.Addresses.First()) };
    }

    public HttpClient Http { get; }

    public NodeHost Host => host;

    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static async Task<TestNode> StartAsync(string postgres, params (string Name, string Value)[] settings)
    {
        var environment = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        environment["INGEST_POSTGRES"] = postgres;
        environment["INGEST_HTTP_PORT"] = "0";
        environment["INGEST_REMOTE_PORT"] = "0";
        var host = new NodeHost(NodeSettings.Load(name => environment.GetValueOrDefault(name)), TimeProvider.System);
        try
        {
            await host.StartAsync(CancellationToken.None);
            return new TestNode(host);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Posts one row, given as JSON.</summary>
    public async Task<Answer> PostAsync(string table, string json, string mediaType = "application/json")
    {
        using var content = new StringContent(json, System.Text.Encoding.UTF8, mediaType);
        using var response = await Http.PostAsync(new Uri($"/v1/tables/{Uri.EscapeDataString(table)}/rows", UriKind.Relative), content);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The account of one table.</summary>
    public async Task<JsonElement> AccountAsync(string table)
    {
        var accounting = await Http.GetFromJsonAsync<JsonElement>("/v1/accounting");
        return accounting.GetProperty("tables").EnumerateArray().Single(account => account.GetProperty("table").GetString() == table);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.StopAsync(CancellationToken.None);
        await host.DisposeAsync();
    }

    /// <summary>A status and a body.</summary>
    internal sealed record Answer(int Status, string Body)
    {
        public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

        /// <summary>The verdicts of a streamed answer, a line each.</summary>
        public IReadOnlyList<JsonElement> Lines =>
            [.. Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Status} {Body}");
    }
}
