using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ingest.Node;
using Ingest.Node.Cluster;
using Ingest.Node.Gateway;
using Microsoft.Extensions.DependencyInjection;

namespace Ingest.Tests.Node;

/// <summary>A whole node in this process, on free ports: sockets, actors and database are real.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly NodeHost host;

    private TestNode(NodeHost host)
    {
        this.host = host;
        Client = new RowClient(new Uri(host.Addresses.First()));
    }

    public RowClient Client { get; }

    public HttpClient Http => Client.Http;

    public NodeHost Host => host;

    /// <summary>Rows that the node has admitted and not yet settled.</summary>
    public long InFlightRows => host.Services.GetRequiredService<RowGateway>().InFlightRows;

    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static async Task<TestNode> StartAsync(string postgres, params (string Name, string Value)[] settings)
    {
        var environment = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        environment["INGEST_POSTGRES"] = postgres;
        environment["INGEST_HTTP_PORT"] = "0";
        environment["INGEST_GRPC_PORT"] = "0";
        environment["INGEST_REMOTE_PORT"] = "0";
        var host = new NodeHost(
            NodeSettings.Load(name => environment.GetValueOrDefault(name)), TimeProvider.System);
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

    /// <summary>Posts one row, given as JSON, or a body of another type.</summary>
    public Task<Answer> PostAsync(string table, string body, string mediaType = "application/json") =>
        Client.PostAsync(table, body, mediaType);

    /// <summary>The account of one table.</summary>
    public Task<JsonElement> AccountAsync(string table) => Client.AccountAsync(table);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await host.StopAsync(CancellationToken.None);
        await host.DisposeAsync();
    }
}

/// <summary>A caller of a node, wherever the node runs.</summary>
internal sealed class RowClient(Uri address) : IDisposable
{
    public HttpClient Http { get; } = new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Posts a body to a table.</summary>
    /// <exception cref="HttpRequestException">The connection was refused, or ended before the answer.</exception>
    public async Task<Answer> PostAsync(string table, string body, string mediaType = "application/json")
    {
        using var content = new StringContent(body, Encoding.UTF8, mediaType);
        using var response = await Http.PostAsync(
            new Uri($"/v1/tables/{Uri.EscapeDataString(table)}/rows", UriKind.Relative), content);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers.RetryAfter?.Delta);
    }

    /// <summary>The account of one table; undefined where the node has received no row for it.</summary>
    public async Task<JsonElement> AccountAsync(string table)
    {
        var accounting = await Http.GetFromJsonAsync<JsonElement>("/v1/accounting");
        return accounting.GetProperty("tables").EnumerateArray()
            .FirstOrDefault(account => account.GetProperty("table").GetString() == table);
    }

    /// <summary>The status of <c>/healthz/ready</c>; 0 where nobody answers.</summary>
    public async Task<int> ReadinessAsync()
    {
        try
        {
            using var response = await Http.GetAsync(new Uri("/healthz/ready", UriKind.Relative));
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    public void Dispose() => Http.Dispose();
}

/// <summary>A status and a body.</summary>
internal sealed record Answer(int Status, string Body, TimeSpan? RetryAfter = null)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    /// <summary>The key that a create was answered with.</summary>
    public JsonElement Id => Json.GetProperty("id");

    /// <summary>The verdicts of a streamed answer, a line each; the last one is the summary.</summary>
    public IReadOnlyList<JsonElement> Lines =>
        [.. Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Status} {Body}");
}
