using System.Collections.Immutable;
using System.Globalization;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>What tells one kind of bad row from another.</summary>
internal sealed record RefusalKind(string SqlState, string? Schema, string? Table, string? Constraint, string? Column)
{
    public static RefusalKind Of(RowError error) =>
        new(error.SqlState, error.Schema, error.Table, error.Constraint, error.Column);
}

/// <summary>
/// Finds all rows at once that one constraint is likely to refuse, by a query over rows in a temporary table: those
/// whose key is there already or came before, whose reference leads nowhere, that fail a check, or lack a value. It only
/// suspects: whether a row is refused is said by PostgreSQL, when the row is tried.
/// </summary>
/// <param name="Kind">The refusals that it foresees.</param>
/// <param name="Query">Gives the places of the suspected rows.</param>
internal sealed record ConstraintCheck(RefusalKind Kind, string Query)
{
    private const string FindUnique = """
        SELECT ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, false)
                       FROM pg_catalog.generate_series(1, i.indnkeyatts) k ORDER BY k),
               pg_catalog.pg_get_expr(i.indpred, i.indrelid), i.indrelid::regclass::text
          FROM pg_catalog.pg_index i
          JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
         WHERE n.nspname = $1 AND t.relname = $2 AND c.relname = $3 AND i.indisunique
        """;

    private const string FindForeignKey = """
        SELECT ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k (number, place)
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number
                      ORDER BY k.place),
               ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k (number, place)
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number
                      ORDER BY k.place),
               f.confrelid::regclass::text
          FROM pg_catalog.pg_constraint f
          JOIN pg_catalog.pg_class t ON t.oid = f.conrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname = $1 AND t.relname = $2 AND f.conname = $3 AND f.contype = 'f'
        """;

    private const string FindCheck = """
        SELECT pg_catalog.pg_get_expr(c.conbin, c.conrelid)
          FROM pg_catalog.pg_constraint c
          JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname = $1 AND t.relname = $2 AND c.conname = $3 AND c.contype = 'c'
        """;

    /// <summary>Whether rows can be checked for this kind: not for a trigger's error, a domain's, an exclusion's, a
    /// missing partition.</summary>
    public static bool IsFor(RefusalKind kind) => kind switch
    {
        { Schema: null } or { Table: null } => false,
        { SqlState: PostgresErrorCodes.NotNullViolation } => kind.Column is not null,
        _ => kind is
        {
            Constraint: not null,
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation
                or PostgresErrorCodes.CheckViolation,
        },
    };

    /// <summary>Reads the constraint's definition and words its check.</summary>
    /// <returns>null where rows cannot be checked for it.</returns>
    public static async Task<ConstraintCheck?> FindAsync(
        NpgsqlConnection connection, RefusalKind kind, CancellationToken cancellation)
    {
        if (!IsFor(kind)) return null;
        var query = kind.SqlState switch
        {
            PostgresErrorCodes.NotNullViolation =>
                $"SELECT {StagedRows.Place} FROM {StagedRows.Self} WHERE {TableNames.Quote(kind.Column!)} IS NULL",
            PostgresErrorCodes.UniqueViolation =>
                await FindAsync(connection, FindUnique, kind, Unique, cancellation),
            PostgresErrorCodes.ForeignKeyViolation =>
                await FindAsync(connection, FindForeignKey, kind, ForeignKey, cancellation),
            _ => await FindAsync(connection, FindCheck, kind, Check, cancellation),
        };
        return query is null ? null : new ConstraintCheck(kind, query);
    }

    private static async Task<string?> FindAsync(
        NpgsqlConnection connection,
        string sql,
        RefusalKind kind,
        Func<NpgsqlDataReader, string> word,
        CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters = { Sql.Text(kind.Schema!), Sql.Text(kind.Table!), Sql.Text(kind.Constraint!) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? word(reader) : null;
    }

    private static string Unique(NpgsqlDataReader index)
    {
        var keys = index.GetFieldValue<string[]>(0);
        var where = index.GetValue(1) is string predicate ? $" WHERE ({predicate})" : "";
        var list = string.Join(", ", keys.Select((key, number) => $"({key}) AS {Key(number)}"));
        var staged = $"(SELECT {StagedRows.Place}, {list} FROM {StagedRows.Self}{where}) s";
        var given = string.Join(" AND ", keys.Select((_, number) => $"s.{Key(number)} IS NOT NULL"));
        var equal = string.Join(" AND ", keys.Select((_, number) => $"t.{Key(number)} = s.{Key(number)}"));
        var group = string.Join(", ", keys.Select((_, number) => $"s.{Key(number)}"));
        // LIMIT keeps the planner to one probe of the index for each row, however large it takes the rows' table for.
        return $"""
            SELECT s.{StagedRows.Place} FROM {staged}
             CROSS JOIN LATERAL (
                 SELECT FROM (SELECT {list} FROM {index.GetString(2)}{where}) t WHERE {equal} LIMIT 1) taken
             UNION ALL
            SELECT s.{StagedRows.Place} FROM {staged}
              JOIN (SELECT {group}, min(s.{StagedRows.Place}) AS first FROM {staged} WHERE {given}
                     GROUP BY {group} HAVING count(*) > 1) t ON {equal}
             WHERE s.{StagedRows.Place} > t.first
            """;

        static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"\"ingest: key {number}\"");
    }

    private static string ForeignKey(NpgsqlDataReader constraint)
    {
        var pairs = constraint.GetFieldValue<string[]>(0).Zip(constraint.GetFieldValue<string[]>(1))
            .Select(pair => (From: TableNames.Quote(pair.Item1), To: TableNames.Quote(pair.Item2)))
            .ToImmutableArray();
        return $"""
            SELECT s.{StagedRows.Place} FROM {StagedRows.Self} s
              LEFT JOIN LATERAL (SELECT true AS found FROM {constraint.GetString(2)} t
                                  WHERE {string.Join(" AND ", pairs.Select(pair => $"t.{pair.To} = s.{pair.From}"))}
                                  LIMIT 1) parent ON true
             WHERE parent.found IS NULL
               AND {string.Join(" AND ", pairs.Select(pair => $"s.{pair.From} IS NOT NULL"))}
            """;
    }

    private static string Check(NpgsqlDataReader constraint) =>
        $"SELECT {StagedRows.Place} FROM {StagedRows.Self} WHERE NOT ({constraint.GetString(0)})";
}
