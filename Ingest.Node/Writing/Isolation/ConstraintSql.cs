namespace Ingest.Node.Writing.Isolation;

/// <summary>Reads the definition of a constraint: of the schema $1 and the table $2, with the name $3.</summary>
internal static class ConstraintSql
{
    /// <summary>A unique index, or one of an exclusion constraint: its columns, the expressions of its key, the
    /// operators of an exclusion, its condition, its table. Columns that stand in an expression or in the condition are
    /// known by what the index depends on.</summary>
    public const string Index = """
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

    /// <summary>A foreign key: its columns, those that it refers to, and their table.</summary>
    public const string ForeignKey = """
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

    /// <summary>A check: its columns, and its expression.</summary>
    public const string Check = """
        SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)),
               pg_catalog.pg_get_expr(c.conbin, c.conrelid)
          FROM pg_catalog.pg_constraint c
          JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname = $1 AND t.relname = $2 AND c.conname = $3 AND c.contype = 'c'
        """;

    /// <summary>A check of a domain ($2), or of the one that it is made of: its expression.</summary>
    public const string Domain = """
        WITH RECURSIVE level (type) AS (
            SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
             WHERE n.nspname = $1 AND t.typname = $2 AND t.typtype = 'd'
             UNION ALL
            SELECT t.typbasetype FROM level JOIN pg_catalog.pg_type t ON t.oid = level.type WHERE t.typtype = 'd')
        SELECT pg_catalog.pg_get_expr(c.conbin, 0)
          FROM level JOIN pg_catalog.pg_constraint c ON c.contypid = level.type
         WHERE c.conname = $3
        """;

    /// <summary>The partitions of a table: the columns that they are chosen by, their constraints, and the table's own
    /// where it is a partition itself. Nothing where there is a default partition, or one is chosen by an
    /// expression.</summary>
    public const string Partitions = """
        SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = t.oid AND a.attnum = ANY (p.partattrs)),
               ARRAY(SELECT pg_catalog.pg_get_partition_constraintdef(i.inhrelid)
                       FROM pg_catalog.pg_inherits i WHERE i.inhparent = t.oid),
               pg_catalog.pg_get_partition_constraintdef(t.oid)
          FROM pg_catalog.pg_partitioned_table p
          JOIN pg_catalog.pg_class t ON t.oid = p.partrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname = $1 AND t.relname = $2 AND p.partdefid = 0 AND 0 <> ALL (p.partattrs)
        """;
}
