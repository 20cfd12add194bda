using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>What PostgreSQL says of a row that it refuses.</summary>
/// <param name="Message">In the server's words, which may quote the row's values, or those of another one.</param>
/// <param name="Table">The table of the constraint, without its schema; null where none is named.</param>
/// <param name="IsPolicy">The row violates a policy of row level security.</param>
internal sealed record RowError(
    string SqlState, string Message, string? Schema, string? Table, string? Constraint, string? Column, bool IsPolicy)
{
    /// <summary>More is not kept of a text: a trigger may say, and name, anything, and thousands may travel in one
    /// answer.</summary>
    public const int MostCharacters = 500;

    /// <summary>The domain that the value violates, without its schema; null where none is named.</summary>
    public string? Domain { get; init; }

    public static RowError Of(PostgresException error) => new(
        error.SqlState,
        Beginning(error.MessageText)!,
        Beginning(error.SchemaName),
        Beginning(error.TableName),
        Beginning(error.ConstraintName),
        Beginning(error.ColumnName ?? CopyPlace.Of(error)?.Column),
        SqlErrors.IsPolicyViolation(error)) { Domain = Beginning(error.DataTypeName) };

    /// <summary>Names the column where the error names its domain alone, and only that column has it.</summary>
    public RowError In(TableDescriptor table)
    {
        if (Column is not null || Domain is null) return this;
        var suffix = $".{TableNames.Quote(Domain)}";
        var columns = table.Columns.Where(column => column.SqlType.EndsWith(suffix, StringComparison.Ordinal)).ToList();
        return columns.Count == 1 ? this with { Column = columns[0].Name } : this;
    }

    private static string? Beginning(string? text)
    {
        if (text is not { Length: > MostCharacters }) return text;
        // Half a character could not be sent on, nor kept.
        return text[..(char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters)];
    }
}
