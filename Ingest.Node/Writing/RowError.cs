using System.Text.RegularExpressions;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>What PostgreSQL says of a row that it refuses.</summary>
/// <param name="Message">In the server's words, which may quote the row's values, or those of another one.</param>
/// <param name="Table">The table of the constraint, without its schema; null where none is named.</param>
/// <param name="IsPolicy">The row violates a policy of row level security.</param>
internal sealed partial record RowError(
    string SqlState, string Message, string? Schema, string? Table, string? Constraint, string? Column, bool IsPolicy)
{
    public static RowError Of(PostgresException error) => new(
        error.SqlState,
        error.MessageText,
        error.SchemaName,
        error.TableName,
        error.ConstraintName,
        error.ColumnName ?? (error.Where is { } context && CopyColumn().Match(context) is { Success: true } match
            ? match.Groups[1].Value
            : null),
        SqlErrors.IsPolicyViolation(error));

    // "column" and "line" are words of the server's language.
    [GeneratedRegex(@"^COPY .*?, \p{L}+ \d+, \p{L}+ ([^:\n]+)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex CopyColumn();
}
