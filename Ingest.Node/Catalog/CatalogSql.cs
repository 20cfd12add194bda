namespace Ingest.Node.Catalog;

/// <summary>
/// The statements that read PostgreSQL's system catalogs. Each reads all tables at once, so that a thousand of them
/// cost one round trip, and each works from PostgreSQL 12 on. None waits for a lock on a table that is read about: a
/// node starts, and rows are accepted, while somebody holds one ACCESS EXCLUSIVE. So <c>pg_get_expr</c> is not told the
/// table, and <c>pg_partition_tree</c> and <c>pg_get_constraintdef</c> are not called.
/// </summary>
public static class CatalogSql
{
    /// <summary>The schema of the ledger and the dead letters, whose tables are written by nobody but Ingest.</summary>
    public const string OwnSchema = "ingest";

    /// <summary>
    /// One expression, of type text and never NULL: a digest (SHA-256 in hex) of number, name, type and type modifier
    /// of each live column of the table whose oid is <c>$1</c>. Under a lock on the table it tells whether tuples that
    /// were encoded for <see cref="TableDescriptor.Fingerprint"/> still fit. Put SELECT before it.
    /// </summary>
    /// <remarks>SHA-256, not MD5, since servers in FIPS mode have no MD5.</remarks>
    public const string Fingerprint = FingerprintOf + " $1" + FingerprintEnd;

    /// <summary>
    /// The columns of all served tables, ordered by table and number. <c>$1</c>: the schemas, text[].
    /// A table without any column has no row here: nothing could be written into it.
    /// </summary>
    internal const string Columns = $"""
        SELECT c.oid, n.nspname, c.relname, {FingerprintOf} c.oid {FingerprintEnd},
               pg_catalog.row_security_active(c.oid), {HasBeforeInsertTrigger},
               a.attnum, a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod),
               a.attnotnull, a.attidentity::text, a.attgenerated::text,
               coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT'), false),
               {DefaultText},
               pg_catalog.array_position(k.conkey, a.attnum),
               EXISTS (SELECT FROM pg_catalog.pg_constraint f
                        WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)),
               s.oid, {HasInsertRule}, {UniqueKeys}, {RefersToItself}, {Collation}
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
          LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
          LEFT JOIN LATERAL ({KeySequence}) s ON a.attnum = ANY (k.conkey)
         WHERE n.nspname = ANY ($1) AND n.nspname <> '{OwnSchema}' AND c.relkind IN ('r', 'p')
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND pg_catalog.has_any_column_privilege(c.oid, 'INSERT')
         ORDER BY c.oid, a.attnum
        """;

    /// <summary>
    /// The types of the columns of all tables in the schemas <c>$1</c> (text[]), with the types that these are made of.
    /// The element's oid is given for true arrays only: <c>point</c> and <c>int2vector</c> have elements too, but
    /// binary forms of their own.
    /// </summary>
    internal const string Types = $"""
        WITH RECURSIVE used (oid) AS (
            SELECT a.atttypid
              FROM pg_catalog.pg_attribute a
              JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname <> '{OwnSchema}'
             WHERE n.nspname = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
             UNION
            SELECT part.oid
              FROM used
              JOIN pg_catalog.pg_type t ON t.oid = used.oid
              CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype)) part (oid)
             WHERE part.oid <> 0)
        SELECT t.oid, n.nspname, t.typname, t.typtype::text, e.oid, nullif(t.typbasetype, 0::oid), t.typtypmod,
               t.typnotnull, t.typdefault,
               ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l
                      WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder),
               t.typarray
          FROM used
          JOIN pg_catalog.pg_type t ON t.oid = used.oid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
          LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
        """;

    /// <summary>
    /// Values of the sequence <c>$1</c> (oid), at most <c>$2</c> (bigint). No more are drawn than the sequence has
    /// before its end, since nextval is never rolled back: one that fails would take those before it along. At the end
    /// one is drawn all the same, for PostgreSQL's own error, or to begin anew where the sequence cycles.
    /// </summary>
    internal const string NextValues = """
        SELECT pg_catalog.nextval($1::oid::regclass)
          FROM (SELECT CASE WHEN s.seqcycle THEN $2::bigint
                            WHEN s.seqincrement > 0
                            THEN trunc((s.seqmax::numeric - v.last) / s.seqincrement)
                            ELSE trunc((s.seqmin::numeric - v.last) / s.seqincrement)
                       END AS left_over
                  FROM pg_catalog.pg_sequence s
                 CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.pg_sequence_last_value(s.seqrelid),
                                                     s.seqstart - s.seqincrement::numeric) AS last) v
                 WHERE s.seqrelid = $1::oid) q
         CROSS JOIN LATERAL pg_catalog.generate_series(1, greatest(1, least($2::bigint, q.left_over))::bigint)
        """;

    private const string FingerprintOf = """
        (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(
                    pg_catalog.format('%s %I %s %s', x.attnum, x.attname, x.atttypid, x.atttypmod),
                    ',' ORDER BY x.attnum), ''), 'UTF8')), 'hex')
           FROM pg_catalog.pg_attribute x
          WHERE x.attnum > 0 AND NOT x.attisdropped AND x.attrelid =
        """;

    private const string FingerprintEnd = ")";

    // Row triggers fire for a partition also when the row came by way of its parent.
    // tgtype's bits: 1 row, 2 before, 4 insert, 64 instead of.
    private const string HasBeforeInsertTrigger = """
        EXISTS (SELECT FROM pg_catalog.pg_trigger t
                 WHERE (t.tgrelid = c.oid OR (c.relkind = 'p' AND t.tgrelid IN
                           (WITH RECURSIVE part (oid) AS (
                                SELECT c.oid
                                 UNION ALL
                                SELECT i.inhrelid
                                  FROM part JOIN pg_catalog.pg_inherits i ON i.inhparent = part.oid)
                            SELECT part.oid FROM part)))
                   AND t.tgtype & 71 = 7 AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A'))
        """;

    // A default names no column of its table, so it can be put into words without the table, and without a lock on it.
    // What a generated column is generated from cannot.
    private const string DefaultText = "CASE a.attgenerated WHEN '' THEN pg_catalog.pg_get_expr(d.adbin, 0) END";

    // The columns, by number, of each index that ON CONFLICT may name by them. PostgreSQL 15 added NULLS NOT DISTINCT.
    private const string UniqueKeys = """
        coalesce((SELECT pg_catalog.string_agg(
                    (SELECT pg_catalog.string_agg(u.number::text, ',' ORDER BY u.number)
                       FROM pg_catalog.unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS u (number)), ';')
                    FROM pg_catalog.pg_index i
                   WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                     AND i.indpred IS NULL AND i.indexprs IS NULL
                     AND pg_catalog.to_jsonb(i) -> 'indnullsnotdistinct' IS DISTINCT FROM 'true'::jsonb), '')
        """;

    private const string RefersToItself = """
        EXISTS (SELECT FROM pg_catalog.pg_constraint f
                 WHERE f.conrelid = c.oid AND f.confrelid = c.oid AND f.contype = 'f')
        """;

    // 100 is the database's own.
    private const string Collation = """
        (SELECT pg_catalog.format('%I.%I', m.nspname, l.collname)
           FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace m ON m.oid = l.collnamespace
          WHERE l.oid = a.attcollation AND l.oid <> 100)
        """;

    private const string HasInsertRule = """
        (c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type = '3'))
        """;

    // An identity's sequence hangs on the column (of the partition tree's root, from PostgreSQL 17 on); that of a
    // nextval default is what the default hangs on. Only a default that is nextval and nothing else is taken for one.
    // CASE, since has_sequence_privilege fails for what is no sequence and a planner may ask it first.
    private const string KeySequence = $"""
        SELECT q.oid
          FROM (SELECT p.objid AS oid
                  FROM pg_catalog.pg_attribute r
                  JOIN pg_catalog.pg_depend p
                    ON p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = r.attrelid
                   AND p.refobjsubid = r.attnum AND p.classid = 'pg_catalog.pg_class'::regclass AND p.deptype = 'i'
                 WHERE a.attidentity <> '' AND r.attname = a.attname
                   AND r.attrelid IN (c.oid, pg_catalog.pg_partition_root(c.oid))
                 UNION ALL
                SELECT p.refobjid
                  FROM pg_catalog.pg_depend p
                 WHERE p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
                   AND p.refclassid = 'pg_catalog.pg_class'::regclass AND a.attgenerated = ''
                   AND {DefaultText} ~ '^nextval\(''([^'']|'''')*''::regclass\)$') found
          JOIN pg_catalog.pg_class q ON q.oid = found.oid
         WHERE CASE q.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(q.oid, 'USAGE') ELSE false END
         LIMIT 1
        """;
}
