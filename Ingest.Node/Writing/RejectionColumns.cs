using Ingest.Messages;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>How a rejection is kept in a table: four columns, all null where there is none.</summary>
internal static class RejectionColumns
{
    /// <summary>The columns, in the order in which they are read and written here.</summary>
    public const string Names = "sqlstate, message, constraint_name, column_name";

    /// <summary>Their definitions in a CREATE TABLE.</summary>
    public const string Definitions = "sqlstate text, message text, constraint_name text, column_name text";

    /// <summary>Reads them, from the column with the index <paramref name="first"/> on.</summary>
    public static Rejection? Read(NpgsqlDataReader reader, int first) => reader.GetValue(first) is string sqlState
        ? new Rejection(
            sqlState, reader.GetString(first + 1), reader.GetValue(first + 2) as string,
            reader.GetValue(first + 3) as string)
        : null;

    /// <summary>Adds them to a statement's parameters, as one array each.</summary>
    public static void Add(NpgsqlParameterCollection parameters, IReadOnlyList<Rejection?> rejections)
    {
        parameters.Add(Sql.Texts(rejections.Select(row => row?.SqlState)));
        parameters.Add(Sql.Texts(rejections.Select(row => row?.Message)));
        parameters.Add(Sql.Texts(rejections.Select(row => row?.Constraint)));
        parameters.Add(Sql.Texts(rejections.Select(row => row?.Column)));
    }
}
