using System.Globalization;
using System.Text;
using Ingest.Node.Writing;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.DeadLetters;

/// <summary>Which open letters are meant. A member that is null leaves its column free.</summary>
internal sealed record LetterFilter
{
    /// <summary>The tables, by served name; what the caller may see, where it names none.</summary>
    public IReadOnlyCollection<string>? Tables { get; init; }

    public string? SqlState { get; init; }

    public string? Constraint { get; init; }

    public string? Column { get; init; }

    /// <summary>The row's id; text goes with its quotes, or without.</summary>
    public string? RowId { get; init; }

    /// <summary>The key of a row, or of the stream that it came in.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Refused at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Refused before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The condition in SQL. All values are parameters, which are added to the command.</summary>
    public string AddTo(NpgsqlCommand command)
    {
        var where = new StringBuilder("replayed_at IS NULL");
        if (Tables is not null) And("table_name = ANY ({0})", Sql.Texts(Tables));
        if (SqlState is not null) And("sqlstate = {0}", Sql.Text(SqlState));
        if (Constraint is not null) And("constraint_name = {0}", Sql.Text(Constraint));
        if (Column is not null) And("column_name = {0}", Sql.Text(Column));
        if (RowId is not null) And("(row_id = {0} OR row_id = to_json({0})::text)", Sql.Text(RowId));
        if (IdempotencyKey is not null)
            And("(idempotency_key = {0} OR starts_with(idempotency_key, {0} || ' '))", Sql.Text(IdempotencyKey));
        if (Since is { } since) And("occurred_at >= {0}", Time(since));
        if (Until is { } until) And("occurred_at < {0}", Time(until));
        return where.ToString();

        void And(string condition, NpgsqlParameter value)
        {
            command.Parameters.Add(value);
            where.Append(" AND ").AppendFormat(CultureInfo.InvariantCulture, condition, $"${command.Parameters.Count}");
        }
    }

    private static NpgsqlParameter Time(DateTimeOffset value) =>
        new() { Value = value.ToUniversalTime(), NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
