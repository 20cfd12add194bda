using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Ingest.Messages.Api.V1;
using Ingest.Node;
using Ingest.Node.Cluster;
using Ingest.Tests.Postgres;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Tests.Node;

/// <summary>The tests of a node that asks its callers who they are; they share one.</summary>
[CollectionDefinition(nameof(AskingNode))]
public sealed class AskingNodes : ICollectionFixture<AskingNode>;

/// <summary>A node that asks its callers who they are, by keys and by tokens.</summary>
public sealed class AskingNode : IAsyncLifetime
{
    private TestNode node = null!;

    public TestDatabase Database { get; private set; } = null!;

    internal TokenIssuer Issuer { get; } = new();

    public async Task InitializeAsync()
    {
        Database = await TestDatabase.CreateAsync();
        await Database.ExecuteAsync("""
            CREATE TABLE clicks(id uuid PRIMARY KEY, url text);
            CREATE TABLE orders(id uuid PRIMARY KEY, url text);
            """);
        node = await TestNode.StartAsync(
            Database.ConnectionString,
            ("INGEST_API_KEYS", "on"),
            ("INGEST_API_KEYS_REFRESH", "1s"),
            ("INGEST_JWT_ISSUER", TokenIssuer.Name),
            ("INGEST_JWT_AUDIENCE", TokenIssuer.Audience),
            ("INGEST_JWT_KEYS", Issuer.File));
    }

    public async Task DisposeAsync()
    {
        await node.DisposeAsync();
        await Database.DisposeAsync();
        Issuer.Dispose();
    }

    /// <summary>Makes a key as a person does, and waits until the node must know of it.</summary>
    internal async Task<string> AddKeyAsync(string name, string grant, params string[] options)
    {
        using var output = new StringWriter();
        var command = new ApiKeyCommand(Database.DataSource, TimeProvider.System, output);
        Assert.Equal(0, await command.InvokeAsync(["add", name, grant, .. options]));
        var key = output.ToString().Trim();
        await Eventually.TrueAsync(async () =>
        {
            using var response = await SendAsync("GET", "/v1/tables", key);
            return (int)response.StatusCode == 200;
        });
        return key;
    }

    internal async Task RemoveKeyAsync(string key)
    {
        var command = new ApiKeyCommand(Database.DataSource, TimeProvider.System, TextWriter.Null);
        Assert.Equal(0, await command.InvokeAsync("remove", key[7..23]));
        await Assert.ThrowsAsync<SettingsException>(() => command.InvokeAsync("remove", key[7..23]));
    }

    internal async Task<int> PostAsync(string table, string credential, string? scheme = null)
    {
        using var response = await SendAsync(
            "POST", $"/v1/tables/{table}/rows", credential, scheme, "application/json", """{"url":"u"}""");
        return (int)response.StatusCode;
    }

    internal async Task<StatusCode> CreateAsync(string table, string header, string credential)
    {
        using var channel = GrpcChannel.ForAddress(node.Host.GrpcAddress);
        try
        {
            await new ApiClient(channel).CreateAsync(
                new CreateRequest { Table = table, Json = ByteString.CopyFromUtf8("""{"url":"u"}""") },
                new Metadata { { header, credential } });
            return StatusCode.OK;
        }
        catch (RpcException error)
        {
            return error.StatusCode;
        }
    }

    /// <summary>Posts rows until one is answered with a status.</summary>
    internal async Task<HttpResponseMessage> PostUntilAsync(string table, string key, int status)
    {
        while (true)
        {
            var response = await SendAsync(
                "POST", $"/v1/tables/{table}/rows", key, null, "application/json", """{"url":"u"}""");
            if ((int)response.StatusCode == status) return response;
            response.Dispose();
        }
    }

    internal async Task<HttpResponseMessage> SendAsync(
        string method,
        string path,
        string? key,
        string? scheme = null,
        string? contentType = null,
        string body = "")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (contentType is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        if (scheme is not null) request.Headers.Authorization = new AuthenticationHeaderValue(scheme, key);
        else if (key is not null) request.Headers.Add("X-Api-Key", key);
        return await node.Http.SendAsync(request);
    }

    /// <summary>The kind of problem that an answer tells.</summary>
    internal static async Task<string?> TypeOf(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync())
            .GetProperty("type").GetString();
}
