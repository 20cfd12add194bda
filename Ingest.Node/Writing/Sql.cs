using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Writing;

/// <summary>Typed parameters: with an explicit type each statement is prepared once, whatever its values.</summary>
internal static class Sql
{
    /// <summary>
    /// Ends a statement whose <c>done</c> is to have as many rows as the array <c>$2</c> has elements: any other number
    /// is a division by zero, which aborts the transaction before the statements that were sent with it.
    /// </summary>
    public const string FailUnlessDone =
        "SELECT 1 / (CASE WHEN (SELECT count(*) FROM done) = cardinality($2) THEN 1 ELSE 0 END)";

    public static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter Texts(IEnumerable<string?> values) => Array(values, NpgsqlDbType.Text);

    public static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType element) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | element };
}
