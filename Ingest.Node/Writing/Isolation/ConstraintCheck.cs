using System.Collections.Immutable;
using System.Globalization;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// Finds all rows at once that one constraint is likely to refuse, by a query over what they give for some columns:
/// those whose key is there already or came before, whose reference leads nowhere, that fail a check, or lack a value.
/// </summary>
/// <param name="Columns">What it has to know of a row, by name.</param>
/// <param name="Query">Gives the places of the suspected rows, out of <see cref="Rows"/>, which has a column of each of
/// these names, and <see cref="StagedRows.Place"/>.</param>
internal sealed record ConstraintCheck(RefusalKind Kind, ImmutableArray<string> Columns, string Query)
    : Suspicion(Kind)
{
    /// <summary>The relation with the rows; a name that no sane relation has.</summary>
    public const string Rows = "\"ingest: the rows\"";

    private const string Place = StagedRows.Place;

    /// <summary>A row may be compared with all of them.</summary>
    private const int MostPartitions = 64;

    /// <summary>What it looks for; the columns follow from that.</summary>
    public override object Identity => (Kind, Query);

    /// <summary>Whether rows can be checked for this kind: not for a trigger's error, a policy's, a generated
    /// column's.</summary>
    public static bool IsFor(RefusalKind kind) => kind switch
    {
        { Schema: null } => false,
        { SqlState: PostgresErrorCodes.NotNullViolation } => kind is { Table: not null, Column: not null },
        { SqlState: PostgresErrorCodes.CheckViolation, Domain: not null } =>
            kind is { Column: not null, Constraint: not null },
        // No partition takes the row.
        { SqlState: PostgresErrorCodes.CheckViolation, Constraint: null } => kind.Table is not null,
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
    /// <returns>The checks for it, the one that finds more as a rule first; none where rows cannot be
    /// checked.</returns>
    public static async Task<ImmutableArray<ConstraintCheck>> FindAsync(
        NpgsqlConnection connection, RefusalKind kind, CancellationToken cancellation)
    {
        if (!IsFor(kind)) return [];
        if (kind.SqlState == PostgresErrorCodes.NotNullViolation)
            return
            [
                new(kind, [kind.Column!], $"SELECT {Place} FROM {Rows} WHERE {TableNames.Quote(kind.Column!)} IS NULL"),
            ];
        var (sql, table) = kind switch
        {
            { Domain: { } domain } => (ConstraintSql.Domain, domain),
            { Constraint: null } => (ConstraintSql.Partitions, kind.Table!),
            { SqlState: PostgresErrorCodes.ForeignKeyViolation } => (ConstraintSql.ForeignKey, kind.Table!),
            { SqlState: PostgresErrorCodes.CheckViolation } => (ConstraintSql.Check, kind.Table!),
            _ => (ConstraintSql.Index, kind.Table!),
        };
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters = { Sql.Text(kind.Schema!), Sql.Text(table), Sql.Text(kind.Constraint ?? "") },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation)) return [];
        ImmutableArray<ConstraintCheck> checks = sql switch
        {
            ConstraintSql.Domain => [OfDomain(kind, reader.GetString(0))],
            ConstraintSql.Partitions => OfPartitions(kind, reader),
            ConstraintSql.ForeignKey => [OfForeignKey(kind, reader)],
            ConstraintSql.Check =>
                [new(kind, Names(reader, 0), $"SELECT {Place} FROM {Rows} WHERE NOT ({reader.GetString(1)})")],
            _ => OfIndex(kind, reader),
        };
        return checks.All(check => check.Columns.IsEmpty) ? [] : checks;
    }

    /// <summary>Its expression calls the value VALUE.</summary>
    private static ConstraintCheck OfDomain(RefusalKind kind, string expression) => new(
        kind,
        [kind.Column!],
        $"SELECT {Place} FROM (SELECT {Place}, {TableNames.Quote(kind.Column!)} AS value FROM {Rows}) s "
        + $"WHERE NOT ({expression})");

    /// <summary>A partition's constraint holds for the rows that it takes; that of a table which is one itself, for
    /// those that come to it.</summary>
    private static ImmutableArray<ConstraintCheck> OfPartitions(RefusalKind kind, NpgsqlDataReader table)
    {
        var partitions = Names(table, 1);
        if (partitions.Length > MostPartitions) return [];
        var comesHere = table.GetValue(2) is string own ? $"({own}) AND " : "";
        var isTaken = partitions.IsEmpty ? "false" : string.Join(" OR ", partitions.Select(one => $"({one})"));
        return
        [
            new(kind, Names(table, 0), $"SELECT {Place} FROM {Rows} WHERE {comesHere}({isTaken}) IS NOT TRUE"),
        ];
    }

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

    /// <summary>For a unique index, or one of an exclusion constraint, which has operators of its own: whether a key is
    /// in the table, and whether one of the batch came before.</summary>
    private static ImmutableArray<ConstraintCheck> OfIndex(RefusalKind kind, NpgsqlDataReader index)
    {
        var keys = Names(index, 1);
        var operators = Names(index, 2);
        var where = index.GetValue(3) is string predicate ? $" WHERE ({predicate})" : "";
        var list = Each(", ", (key, name) => $"({key}) AS {name}");
        var given = $"(SELECT {Place}, {list} FROM {Rows}{where}) s";
        var numbers = operators.IsEmpty ? keys.Select(_ => "=").ToArray() : [.. operators];
        var alike = string.Join(" AND ", numbers.Select((sign, number) => $"t.{Key(number)} {sign} s.{Key(number)}"));
        // LIMIT keeps the planner to one probe of the index for each row, however large it takes the rows' table for.
        var taken = new ConstraintCheck(kind, Names(index, 0), $"""
            SELECT s.{Place} FROM {given}
             CROSS JOIN LATERAL (
                 SELECT FROM (SELECT {list} FROM {index.GetString(4)}{where}) t WHERE {alike} LIMIT 1) taken
            """);
        // Rows that exclude one another by something else than equality would have to be compared each with each.
        if (operators.Any(name => name != "OPERATOR(pg_catalog.=)")) return [taken];
        var group = Each(", ", (_, name) => $"s.{name}");
        var equal = Each(" AND ", (_, name) => $"t.{name} = s.{name}");
        return
        [
            taken,
            taken with
            {
                Query = $"""
                    SELECT s.{Place} FROM {given}
                      JOIN (SELECT {group}, min(s.{Place}) AS first FROM {given}
                             WHERE {Each(" AND ", (_, name) => $"s.{name} IS NOT NULL")}
                             GROUP BY {group} HAVING count(*) > 1) t ON {equal}
                     WHERE s.{Place} > t.first
                    """,
            },
        ];

        string Each(string separator, Func<string, string, string> word) =>
            string.Join(separator, keys.Select((key, number) => word(key, Key(number))));

        static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"\"ingest: key {number}\"");
    }

    private static ImmutableArray<string> Names(NpgsqlDataReader reader, int ordinal) =>
        [.. reader.GetFieldValue<string[]>(ordinal)];
}
