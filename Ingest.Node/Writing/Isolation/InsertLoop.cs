using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// The loop by which the server inserts staged rows of one shape, in their order. A block of them is one INSERT in a
/// subtransaction of its own. If it is refused, its rows are inserted one by one up to the first that is refused then,
/// which is noted with what PostgreSQL says, and left out; the rest is a block again.
/// <para>
/// A row alone costs 5 us, one in a block 1.5 us, and a block that fails costs 15 us beside the rows that are inserted
/// again. With p bad rows in one, blocks are cheapest at some sqrt(2 / p) rows. Growing by two at each success and
/// halving at each failure comes to sqrt(4 / p), whatever p is: 2 where all rows are bad, 20 at 1 %.
/// </para>
/// </summary>
internal static class InsertLoop
{
    /// <summary>The place of the first row to try, and of the last; all staged rows between them are tried.</summary>
    public const string First = "ingest.first";

    /// <inheritdoc cref="First"/>
    public const string Last = "ingest.last";

    /// <summary>Words of errors that are a row's fault though their class is not, as an array.</summary>
    public const string AlsoRefused = "ingest.also_refused";

    public const string Refused = "pg_temp.ingest_refused";

    /// <summary>Makes the table of the refused rows.</summary>
    public const string CreateRefused = $"""
        CREATE TEMPORARY TABLE IF NOT EXISTS {Refused} (
            place int, state text, words text, of_schema text, of_table text, violated text, at_column text,
            of_type text) ON COMMIT DELETE ROWS
        """;

    private const string Place = $"candidate.{StagedRows.Place}";

    private const int FirstBlock = 16;
    private const int MostInBlock = 128;

    // Blocks are cut of arrays of so many rows' addresses, since PostgreSQL copies the array for each block.
    private const int ChunkRows = 1024;

    /// <summary>Worded the same for each batch: what differs comes by way of settings.</summary>
    /// <param name="staged">The name of the temporary table.</param>
    public static string For(TableDescriptor table, Shape shape, string staged)
    {
        var order = Order(table, shape);
        var nth = order == Place ? Place : $"row_number() OVER (ORDER BY {order})";
        // Their addresses need not be in the order of their places.
        var block = $"FROM {staged} AS candidate WHERE candidate.ctid = ANY (chunk[first:last]) ORDER BY {order}";
        var body = $"""
            #variable_conflict use_variable
            DECLARE
                first_place int := current_setting('{First}'); last_place int := current_setting('{Last}');
                chunk tid[]; first int; last int; block int := {FirstBlock}; alone_until int;
                state text; words text; of_schema text; of_table text; violated text; at_column text; of_type text;
            BEGIN
                FOR chunk IN
                    SELECT array_agg(placed.address)
                      FROM (SELECT candidate.ctid AS address, {nth} / {ChunkRows} AS nth FROM {staged} AS candidate
                             WHERE {Place} BETWEEN first_place AND last_place ORDER BY 2, {order}) AS placed
                     GROUP BY placed.nth ORDER BY placed.nth
                LOOP
                    first := 1; alone_until := 0;
                    WHILE first <= cardinality(chunk) LOOP
                        last := CASE WHEN first <= alone_until THEN first
                                     ELSE least(first + block - 1, cardinality(chunk)) END;
                        BEGIN
                            {Insert(table, shape)} {block}{ConflictMerge.ClauseFor(table, shape)};
                            IF first > alone_until THEN block := least(block + 2, {MostInBlock}); END IF;
                            first := last + 1;
                        {Handler}
                            IF first > alone_until THEN block := greatest(block / 2, 1); END IF;
                            IF last > first THEN
                                alone_until := last;
                            ELSE
                                INSERT INTO {Refused}
                                SELECT {Place}, state, words, of_schema, of_table, violated, at_column, of_type
                                  FROM {staged} AS candidate WHERE candidate.ctid = chunk[first];
                                first := first + 1; alone_until := 0;
                            END IF;
                        END;
                    END LOOP;
                END LOOP;
            END
            """;
        var quoted = body.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
        return $"DO E'{quoted}'";
    }

    // ASSERT_FAILURE is the one error of a row that OTHERS leaves out.
    private static string Handler { get; } = $"""
        EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
            GET STACKED DIAGNOSTICS
                state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, of_schema = SCHEMA_NAME, of_table = TABLE_NAME,
                violated = CONSTRAINT_NAME, at_column = COLUMN_NAME, of_type = PG_DATATYPE_NAME;
            IF left(state, 2) = ANY ('{SqlErrors.ClassesNotOfRows}') AND NOT (
                state = '{PostgresErrorCodes.InsufficientPrivilege}'
                AND words = ANY (current_setting('{AlsoRefused}')::text[])) THEN RAISE; END IF;
        """;

    private static string Insert(TableDescriptor table, Shape shape)
    {
        var overriding = table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";
        return $"INSERT INTO {table.SqlName} ({Join(shape.Columns.Select(column => TableNames.Quote(column.Name)))})"
            + $"{overriding} SELECT {Join(shape.Columns.Select(column => Value(table.ByName[column.Name])))}";
    }

    /// <summary>The order in which rows were taken; of rows whose likes may be there, as in
    /// <see cref="ConflictMerge"/>, since lanes side by side must lock them in one order.</summary>
    private static string Order(TableDescriptor table, Shape shape) => ConflictMerge.ClauseFor(table, shape).Length == 0
        ? Place
        : $"{Join(table.Conflict!.Target.Select(Value))}, {Place}";

    private static string Value(Column column) => FieldCodecs.IsInput(column.Codec)
        ? $"CAST(candidate.{TableNames.Quote(column.Name)} AS {column.SqlType})"
        : $"candidate.{TableNames.Quote(column.Name)}";

    private static string Join(IEnumerable<string> parts) => string.Join(", ", parts);
}
