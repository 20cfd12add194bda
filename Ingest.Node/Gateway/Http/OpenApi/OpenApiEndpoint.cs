using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary><c>GET /openapi/v1.json</c>: the HTTP surface as the catalog's tables make it, for programs.</summary>
internal sealed class OpenApiEndpoint(ITableCatalog catalog, HttpOptions options)
{
    private readonly Lock sync = new();
    private (object? Tables, CachedAnswer? Answer) made;

    public Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        Current().Write(context);
        return Task.CompletedTask;
    }

    /// <summary>The answer for the catalog's tables; the same one until they change.</summary>
    private CachedAnswer Current()
    {
        var tables = catalog.Tables;
        lock (sync)
        {
            // Immutable arrays are equal if they are the same one, and the catalog makes a new one when a table changes.
            if (made.Answer is null || !tables.Equals(made.Tables))
                made = (tables, new CachedAnswer(OpenApiDocument.Write(tables), MediaTypes.Json));
            return made.Answer;
        }
    }
}
