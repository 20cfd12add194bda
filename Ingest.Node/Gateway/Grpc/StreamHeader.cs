using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>What holds for the rows of a stream until the next header.</summary>
/// <param name="Given">As the caller gave it.</param>
/// <param name="Table">Its table, as it was when the header was read.</param>
/// <param name="Columns">The columns of records; null where the header names none.</param>
internal sealed record StreamHeader(Header Given, TableDescriptor Table, RowHeader? Columns)
{
    /// <summary>What the rows' idempotency keys begin with; null where they have none.</summary>
    public string? Key { get; } = Given.IdempotencyKey.Length > 0 ? Given.IdempotencyKey : null;

    /// <returns>The header; or null and what is wrong with it.</returns>
    public static async ValueTask<(StreamHeader? Header, Problem? Problem)> ReadAsync(
        Header given, TableLookup tables, HttpContext context)
    {
        if (given.IdempotencyKey.Length > 0 && !IdempotencyKey.IsValid(given.IdempotencyKey))
            return (null, IdempotencyKey.Malformed);
        var (table, problem) = await tables.FindAsync(context, given.Table);
        if (table is null) return (null, problem);
        if (given.Columns.Count == 0) return (new StreamHeader(given, table, null), null);
        var errors = new RowErrors();
        var columns = RowHeader.Of(table, given.Columns, errors);
        return columns is null ? (null, Problems.OfHeader(errors)) : (new StreamHeader(given, table, columns), null);
    }
}
