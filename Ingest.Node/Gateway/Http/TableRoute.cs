using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;
using Microsoft.AspNetCore.Http.Features;

namespace Ingest.Node.Gateway.Http;

/// <summary>Reads table names from URLs.</summary>
internal static class TableRoute
{
    private const string Prefix = "/tables/";

    /// <summary>Finds the table that the request's path names.</summary>
    /// <inheritdoc cref="TableLookup.FindAsync(HttpContext, string)"/>
    public static ValueTask<(TableDescriptor? Table, Problem? Problem)> FindAsync(
        this TableLookup tables, HttpContext context) =>
        RowRoute.TryRead(context, out var name)
            ? tables.FindAsync(context, name)
            : tables.FindAsync(context, Of(context));

    /// <summary>The table's name as the caller means it, with every percent-encoding taken off.</summary>
    /// <remarks>The server decodes all but an encoded slash, and leaves no way to tell it from the text "%2F": where a
    /// percent sign is left, the raw target decides.</remarks>
    public static string Of(HttpContext context)
    {
        if (RowRoute.TryRead(context, out var plain)) return plain.ToString();
        var name = (string)context.Request.RouteValues["table"]!;
        if (!name.Contains('%')) return name;
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var start = target.IndexOf(Prefix, StringComparison.OrdinalIgnoreCase);
        if (start < 0) return name;
        var rest = target.AsSpan(start + Prefix.Length);
        var end = rest.IndexOfAny('/', '?', '#');
        return Uri.UnescapeDataString(end < 0 ? rest : rest[..end]);
    }
}
