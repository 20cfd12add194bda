using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http.OpenApi;

/// <summary><c>GET /openapi/v1.json</c>: the HTTP surface as the catalog's tables make it, for programs. A caller sees
/// the tables that its grants name.</summary>
internal sealed class OpenApiEndpoint(ITableCatalog catalog, TableAccess access, IntakeOptions options)
{
    private readonly Lock sync = new();
    private (object? Tables, CachedAnswer? Answer) made;

    public Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        AnswerFor(context).Write(context);
        return Task.CompletedTask;
    }

    private CachedAnswer AnswerFor(HttpContext context)
    {
        var tables = catalog.Tables;
        if (!access.IsOn) return OfAll(tables);
        var visible = tables.Where(table => access.Allows(context, Scope.Any, table.Name)).ToArray();
        // Callers with grants for some tables only are few and ask seldom: not worth a memory of each.
        return visible.Length == tables.Count ? OfAll(tables) : Make(visible);
    }

    /// <summary>The answer for the catalog's tables; the same one until they change.</summary>
    private CachedAnswer OfAll(IReadOnlyList<TableDescriptor> tables)
    {
        lock (sync)
        {
            // Immutable arrays are equal if they are the same one, and the catalog makes a new one for a change.
            if (made.Answer is null || !tables.Equals(made.Tables)) made = (tables, Make(tables));
            return made.Answer!;
        }
    }

    private static CachedAnswer Make(IReadOnlyList<TableDescriptor> tables) =>
        new(OpenApiDocument.Write(tables), MediaTypes.Json);
}
