using System.Collections.Immutable;
using System.Globalization;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Finds all rows at once that one constraint is likely to refuse, by a query over what they give for some columns:
/// those whose key is there already or came before, whose reference leads nowhere, that fail a check, or lack a value.
/// It only suspects: whether a row is refused is said by PostgreSQL, when the row is tried.
/// </summary>
/// <param name="Kind">The refusals that it foresees.</param>
/// <param name="Columns">What it has to know of a row, by name.</param>
/// <param name="Query">Gives the places of the suspected rows, out of <see cref="Rows"/>, which has a column of each of
/// these names, and <see cref="Place"/>.</param>
internal sealed record ConstraintCheck(RefusalKind Kind, ImmutableArray<string> Columns, string Query)
{
    /// <summary>The relation with the rows; a name that no sane relation has, as no column has that of the
    /// place.</summary>
    public const string Rows = "\"ingest: the rows\"";

    public const string Place = "\"ingest: the row's place\"";

    // Columns that stand in an expression or in the index's condition are known by what the index depends on.
    private const string FindUnique = """
        SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = i.indrelid AND (a.attnum = ANY (i.indkey) OR EXISTS (
                          SELECT FROM pg_catalog.pg_depend d
                           WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
                             AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid
                             AND d.refobjsubid = a.attnum)) AND a.attnum > 0),
               ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, false)
                       FROM pg_catalog.generate_series(1, i.indnkeyatts) k ORDER BY k),
               ARRAY(SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, p.oprname)
                       FROM pg_catalog.unnest(x.conexclop) WITH ORDINALITY e (operator, place)
                       JOIN pg_catalog.pg_operator p ON p.oid = e.operator
                       JOIN pg_catalog.pg_namespace s ON s.oid = p.oprnamespace ORDER BY e.place),
               pg_catalog.pg_get_expr(i.indpred, i.indrelid), i.indrelid::regclass::text
          FROM pg_catalog.pg_index i
          JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
          LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
         WHERE n.nspname = $1 AND t.relname = $2 AND c.relname = $3 AND (i.indisunique OR i.indisexclusion)
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
        SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)),
               pg_catalog.pg_get_expr(c.conbin, c.conrelid)
          FROM pg_catalog.pg_constraint c
          JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname = $1 AND t.relname = $2 AND c.conname = $3 AND c.contype = 'c'
        """;

    // A domain has the constraints of the one that it is made of, too.
    private const string FindDomain = """
        WITH RECURSIVE level (type) AS (
            SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
             WHERE n.nspname = $1 AND t.typname = $2 AND t.typtype = 'd'
             UNION ALL
            SELECT t.typbasetype FROM level JOIN pg_catalog.pg_type t ON t.oid = level.type WHERE t.typtype = 'd')
        SELECT pg_catalog.pg_get_expr(c.conbin, 0)
          FROM level JOIN pg_catalog.pg_constraint c ON c.contypid = level.type
         WHERE c.conname = $3
        """;

    /// <summary>Whether rows can be checked for this kind: not for a trigger's error, a policy's, a generated column's,
    /// a missing partition.</summary>
    public static bool IsFor(RefusalKind kind) => kind switch
    {
        { Schema: null } => false,
        { SqlState: PostgresErrorCodes.NotNullViolation } => kind is { Table: not null, Column: not null },
        { SqlState: PostgresErrorCodes.CheckViolation, Domain: not null } =>
            kind is { Column: not null, Constraint: not null },
        _ => kind is
        {
            Table: not null,
            Constraint: not null,
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation
                or PostgresErrorCodes.CheckViolation or PostgresErrorCodes.ExclusionViolation,
        },
    };

    /// <summary>Whether rows that leave out a column are suspected: where it is to be given, and has no default. Of
    /// other checks nothing can be said without all columns.</summary>
    public bool IsAgainstMissing(TableDescriptor table) =>
        Kind.SqlState == PostgresErrorCodes.NotNullViolation
        && table.ByName.TryGetValue(Columns[0], out var column) && !column.HasDefault;

    /// <summary>Reads the constraint's definition and words its check.</summary>
    /// <returns>null where rows cannot be checked for it.</returns>
    public static async Task<ConstraintCheck?> FindAsync(
        NpgsqlConnection connection, RefusalKind kind, CancellationToken cancellation)
    {
        if (!IsFor(kind)) return null;
        if (kind.SqlState == PostgresErrorCodes.NotNullViolation)
            return new ConstraintCheck(
                kind, [kind.Column!], $"SELECT {Place} FROM {Rows} WHERE {TableNames.Quote(kind.Column!)} IS NULL");
        var (sql, table) = kind switch
        {
            { Domain: { } domain } => (FindDomain, domain),
            { SqlState: PostgresErrorCodes.ForeignKeyViolation } => (FindForeignKey, kind.Table!),
            { SqlState: PostgresErrorCodes.CheckViolation } => (FindCheck, kind.Table!),
            _ => (FindUnique, kind.Table!),
        };
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters = { Sql.Text(kind.Schema!), Sql.Text(table), Sql.Text(kind.Constraint!) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation)) return null;
        var check = sql switch
        {
            FindDomain => OfDomain(kind, reader.GetString(0)),
            FindForeignKey => OfForeignKey(kind, reader),
            FindCheck => new ConstraintCheck(
                kind, Names(reader, 0), $"SELECT {Place} FROM {Rows} WHERE NOT ({reader.GetString(1)})"),
            _ => OfIndex(kind, reader),
        };
        return check.Columns.IsEmpty ? null : check;
    }

    /// <summary>Its expression calls the value VALUE.</summary>
    private static ConstraintCheck OfDomain(RefusalKind kind, string expression) => new(
        kind,
        [kind.Column!],
        $"SELECT {Place} FROM (SELECT {Place}, {TableNames.Quote(kind.Column!)} AS value FROM {Rows}) s "
        + $"WHERE NOT ({expression})");

    private static ConstraintCheck OfForeignKey(RefusalKind kind, NpgsqlDataReader constraint)
    {
        var pairs = Names(constraint, 0).Zip(Names(constraint, 1))
            .Select(pair => (From: TableNames.Quote(pair.Item1), To: TableNames.Quote(pair.Item2)))
            .ToImmutableArray();
        return new ConstraintCheck(kind, Names(constraint, 0), $"""
            SELECT s.{Place} FROM {Rows} s
              LEFT JOIN LATERAL (SELECT true AS found FROM {constraint.GetString(2)} t
                                  WHERE {string.Join(" AND ", pairs.Select(pair => $"t.{pair.To} = s.{pair.From}"))}
                                  LIMIT 1) parent ON true
             WHERE parent.found IS NULL
               AND {string.Join(" AND ", pairs.Select(pair => $"s.{pair.From} IS NOT NULL"))}
            """);
    }

    /// <summary>For a unique index, or one of an exclusion constraint, which has operators of its own.</summary>
    private static ConstraintCheck OfIndex(RefusalKind kind, NpgsqlDataReader index)
    {
        var keys = Names(index, 1);
        var operators = Names(index, 2);
        var where = index.GetValue(3) is string predicate ? $" WHERE ({predicate})" : "";
        var list = string.Join(", ", keys.Select((key, number) => $"({key}) AS {Key(number)}"));
        var given = $"(SELECT {Place}, {list} FROM {Rows}{where}) s";
        var alike = string.Join(" AND ", keys.Select((_, number) =>
            $"t.{Key(number)} {(operators.IsEmpty ? "=" : operators[number])} s.{Key(number)}"));
        // LIMIT keeps the planner to one probe of the index for each row, however large it takes the rows' table for.
        var taken = $"""
            SELECT s.{Place} FROM {given}
             CROSS JOIN LATERAL (
                 SELECT FROM (SELECT {list} FROM {index.GetString(4)}{where}) t WHERE {alike} LIMIT 1) taken
            """;
        // Rows that exclude one another by something else than equality would have to be compared each with each.
        var isEquality = operators.All(name => name == "OPERATOR(pg_catalog.=)");
        return new ConstraintCheck(kind, Names(index, 0), isEquality ? $"{taken} UNION ALL {Repeated()}" : taken);

        string Repeated()
        {
            var group = string.Join(", ", keys.Select((_, number) => $"s.{Key(number)}"));
            var known = string.Join(" AND ", keys.Select((_, number) => $"s.{Key(number)} IS NOT NULL"));
            var equal = string.Join(" AND ", keys.Select((_, number) => $"t.{Key(number)} = s.{Key(number)}"));
            return $"""
                SELECT s.{Place} FROM {given}
                  JOIN (SELECT {group}, min(s.{Place}) AS first FROM {given} WHERE {known}
                         GROUP BY {group} HAVING count(*) > 1) t ON {equal}
                 WHERE s.{Place} > t.first
                """;
        }

        static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"\"ingest: key {number}\"");
    }

    private static ImmutableArray<string> Names(NpgsqlDataReader reader, int ordinal) =>
        [.. reader.GetFieldValue<string[]>(ordinal)];
}
