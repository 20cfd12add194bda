using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Writing;

/// <summary>Typed parameters: with an explicit type each statement is prepared once, whatever its values.</summary>
internal static class Sql
{
    public static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter Texts(IEnumerable<string?> values) => Array(values, NpgsqlDbType.Text);

    public static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType element) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | element };
}
