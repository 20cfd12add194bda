using System.Globalization;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// Reads filters from query strings, strictly: a name that was mistyped must not make a filter wider.
/// </summary>
internal sealed class LetterQuery(ITableCatalog catalog, TableAccess access, LetterStore store)
{
    private static readonly string[] Filters =
        ["table", "sqlstate", "constraint", "column", "rowId", "idempotencyKey", "since", "until"];

    /// <summary>Reads a request's filter.</summary>
    /// <param name="scopes">What its caller needs for each table that it is to cover.</param>
    /// <param name="others">Further parameters that the call knows.</param>
    /// <returns>What is wrong with the request; null where there is a filter.</returns>
    public async Task<(LetterFilter Filter, bool IsEmpty, Problem? Problem)> ReadAsync(
        HttpContext context, Scope scopes, params string[] others)
    {
        var query = context.Request.Query;
        var filter = new LetterFilter();
        foreach (var (name, values) in query)
        {
            if (!Filters.Contains(name) && !others.Contains(name))
            {
                return (filter, true, Invalid(
                    $"There is no parameter '{name}'; filters are {string.Join(", ", Filters)}."));
            }

            if (values.Count != 1 || values[0] is not { Length: > 0 } value || value.Contains('\0'))
                return (filter, true, Invalid($"The parameter {name} is given once, with a value."));
        }

        if (!TryReadTime(query["since"], out var since) || !TryReadTime(query["until"], out var until))
            return (filter, true, Invalid("The parameters since and until are times as in 2026-11-23T10:00:00Z."));
        filter = new LetterFilter
        {
            SqlState = query["sqlstate"],
            Constraint = query["constraint"],
            Column = query["column"],
            RowId = query["rowId"],
            IdempotencyKey = query["idempotencyKey"],
            Since = since,
            Until = until,
        };
        var isEmpty = !Filters.Any(query.ContainsKey);
        if (query["table"] is [{ } given])
        {
            var table = catalog.TryGet(given, out var known) ? known.Name : given;
            return access.Allows(context, scopes, table)
                ? (filter with { Tables = [table] }, isEmpty, null)
                : (filter, isEmpty, Problems.Forbidden(scopes, table));
        }

        if (!access.IsOn) return (filter, isEmpty, null);
        var tables = await store.TablesAsync(context.RequestAborted);
        var allowed = tables.Where(table => access.Allows(context, scopes, table));
        return (filter with { Tables = [.. allowed] }, isEmpty, null);
    }

    private static Problem Invalid(string detail) =>
        Problems.RequestInvalid(StatusCodes.Status400BadRequest, detail);

    private static bool TryReadTime(string? text, out DateTimeOffset? time)
    {
        time = null;
        if (text is null) return true;
        var isTime = DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read);
        time = read;
        return isTime;
    }
}
