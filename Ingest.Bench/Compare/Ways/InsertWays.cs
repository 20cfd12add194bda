using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Bench.Compare.Ways;

/// <summary>Ways that send rows as parameters.</summary>
internal static class InsertWays
{
    private const string Into = "INSERT INTO clicks (id, url, user_id, amount, at)";

    // A statement has at most 65,535 parameters (a 16-bit count in the protocol), and a row five.
    private const int RowsOfStatement = 65_535 / 5;

    public static Way Single { get; } = new("INSERT", 1, (connection, rows) => ManyAsync(connection, rows));

    public static Way MultiRow { get; } =
        new("INSERT of many rows", 10_000, (connection, rows) => ManyAsync(connection, rows));

    public static Way Unnest { get; } = new("INSERT from unnest", 100_000, UnnestAsync);

    private static async Task ManyAsync(NpgsqlConnection connection, Rows rows)
    {
        if (rows.Count > RowsOfStatement) throw new ArgumentException("More rows than a statement can have.");
        await using var command = new NpgsqlCommand(TextFor(rows.Count), connection);
        for (var i = 0; i < rows.Count; i++)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = rows.Ids[i] });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = rows.Urls[i] });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = rows.Users[i] });
            command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = rows.Amounts[i] });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = rows.Times[i] });
        }

        await command.PrepareAsync();
        await command.ExecuteNonQueryAsync();
    }

    private static async Task UnnestAsync(NpgsqlConnection connection, Rows rows)
    {
        await using var command = new NpgsqlCommand(
            $"{Into} SELECT * FROM unnest($1, $2, $3, $4, $5)", connection);
        Add(rows.Ids, NpgsqlDbType.Uuid);
        Add(rows.Urls, NpgsqlDbType.Text);
        Add(rows.Users, NpgsqlDbType.Bigint);
        Add(rows.Amounts, NpgsqlDbType.Double);
        Add(rows.Times, NpgsqlDbType.TimestampTz);
        await command.PrepareAsync();
        await command.ExecuteNonQueryAsync();

        void Add<T>(T[] values, NpgsqlDbType type) => command.Parameters.Add(
            new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private static string TextFor(int rows)
    {
        var text = new StringBuilder(Into).Append(" VALUES ");
        for (var i = 0; i < rows; i++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(i == 0 ? "" : ", ")}(${(5 * i) + 1}, ${(5 * i) + 2}, ${(5 * i) + 3}, "
                + $"${(5 * i) + 4}, ${(5 * i) + 5})");
        }

        return text.ToString();
    }
}
