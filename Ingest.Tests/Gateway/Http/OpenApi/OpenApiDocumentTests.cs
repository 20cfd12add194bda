using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Microsoft.OpenApi.Reader;
using Document = Ingest.Node.Gateway.Http.OpenApi.OpenApiDocument;

namespace Ingest.Tests.Http;

/// <summary>What the document says, and that it is one.</summary>
public sealed class OpenApiDocumentTests
{
    private static readonly string[] HostileNames =
        ["clicks", "sales.orders", "we\"ird.na/me", "ünï cödé {x}", "a#b?c&d+e", "100%2Fsure", "</script>", "we.na"];

    [Fact]
    public void Should_be_valid_for_tables_of_any_name()
    {
        var read = Read(Document.Write([.. HostileNames.Select(name => TestTables.Clicks(name))]));

        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Assert.All(HostileNames, name =>
            Assert.True(read.Document!.Paths.ContainsKey($"/v1/tables/{Uri.EscapeDataString(name)}/rows"), name));
    }

    [Fact]
    public void Should_be_valid_without_any_table()
    {
        var read = Read(Document.Write([]));

        Assert.Empty(read.Diagnostic!.Errors);
    }

    [Fact]
    public void Should_know_every_problem()
    {
        var known = JsonNode.Parse(Document.Write([]))!
            ["components"]!["schemas"]!["ingest..Problem"]!["properties"]!["type"]!["enum"]!.AsArray();

        Assert.Contains(Problems.Overloaded.Type.Uri, known.Select(type => type!.GetValue<string>()));
        Assert.Contains(Problems.Unknown.Type.Uri, known.Select(type => type!.GetValue<string>()));
    }

    [Fact]
    public async Task Should_be_the_same_answer_until_the_tables_change()
    {
        var catalog = new ChangingCatalog([TestTables.Clicks()]);
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway(), catalog);

        var (status, tag) = await GetAsync(server, null);
        var again = await GetAsync(server, tag);
        catalog.Now = [TestTables.Clicks(), TestTables.Clicks("more")];
        var changed = await GetAsync(server, tag);

        Assert.Equal((200, 304, 200), (status, again.Status, changed.Status));
        Assert.NotEqual(tag, changed.Tag);
    }

    [Fact]
    public async Task Should_be_compressed_for_who_takes_it_and_stay_small_for_a_thousand_tables()
    {
        var tables = Enumerable.Range(0, 1000).Select(number => TestTables.Clicks($"table_{number}")).ToArray();
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway(), new FixedCatalog(tables));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        request.Headers.AcceptEncoding.ParseAdd("gzip");

        using var response = await server.Client.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();

        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        Assert.InRange(bytes.Length, 1, 300_000);
    }

    [Fact]
    public async Task Should_refuse_to_be_written()
    {
        await using var server = await TestHttpServer.StartAsync(new ScriptedGateway());

        using var response = await server.PostAsync("{}", path: "/openapi/v1.json");

        Assert.Equal(405, (int)response.StatusCode);
    }

    private static async Task<(int Status, string Tag)> GetAsync(TestHttpServer server, string? tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        if (tag is not null) request.Headers.IfNoneMatch.ParseAdd(tag);
        using var response = await server.Client.SendAsync(request);
        return ((int)response.StatusCode, response.Headers.ETag!.ToString());
    }

    private static ReadResult Read(byte[] document) =>
        Microsoft.OpenApi.OpenApiDocument.Load(new MemoryStream(document), "json");

    private sealed class ChangingCatalog(TableDescriptor[] tables) : ITableCatalog
    {
        public TableDescriptor[] Now { get; set; } = tables;

        public IReadOnlyList<TableDescriptor> Tables => Now;

        public bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out TableDescriptor? table) =>
            new FixedCatalog(Now).TryGet(name, out table);

        public ValueTask<TableDescriptor?> FindAsync(string name, CancellationToken cancellation) =>
            new FixedCatalog(Now).FindAsync(name, cancellation);

        public Task RefreshAsync(CancellationToken cancellation) => Task.CompletedTask;

        public Task RefreshForColumnAsync(CancellationToken cancellation) => Task.CompletedTask;
    }
}
