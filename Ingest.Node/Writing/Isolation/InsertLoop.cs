using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Writing.Isolation;

/// <summary>
/// The loop by which the server inserts staged rows of one shape, in their order. A block of them is one INSERT in a
/// subtransaction of its own. If it is refused, its rows are inserted one by one up to the first that is refused then,
/// which is noted with what PostgreSQL says, and left out; the rest is a block again.
/// <para>
/// A row alone costs 7 us, one in a large block 2 us, and a block that fails costs 15 us beside the rows that are
/// inserted again. With p bad rows in one, blocks are cheapest at some sqrt(2 / p) rows. Growing by one at each success
/// and halving at each failure comes to that, whatever p is: 1 where all rows are bad, 14 at 1 %.
/// </para>
/// </summary>
internal static class InsertLoop
{
    /// <summary>The place of the first row to try, and of the last; all staged rows between them are tried.</summary>
    public const string First = "ingest.first";

    /// <inheritdoc cref="First"/>
    public const string Last = "ingest.last";

    public const string Refused = "pg_temp.ingest_refused";

    /// <summary>The columns of the table with the refused rows.</summary>
    public const string RefusedColumns = """
        place int, state text, words text, of_schema text, of_table text, violated text, at_column text, of_type text,
        context text
        """;

    private const string Place = $"candidate.{StagedRows.Place}";

    private const int FirstBlock = 16;
    private const int MostInBlock = 128;

    /// <summary>Worded the same for each batch: what differs comes by way of settings.</summary>
    /// <param name="staged">The name of the temporary table.</param>
    public static string For(TableDescriptor table, Shape shape, string staged)
    {
        var rows = $"FROM {staged} AS candidate WHERE {Place} BETWEEN this.first_place AND this.last_place";
        // Columns may have any name, so variables go by their block's.
        var (order, block) = Walk(table, shape);
        var body = $"""
            #variable_conflict use_column
            <<this>> DECLARE
                first_place int := current_setting('{First}'); last_place int := current_setting('{Last}');
                addresses tid[]; first int := 1; last int; block int := {FirstBlock}; alone_until int := 0;
                of_schema text; of_table text; violated text; at_column text; of_type text; context text;
            BEGIN
                SELECT array_agg(candidate.ctid ORDER BY {order}) INTO addresses {rows};
                WHILE first <= cardinality(addresses) LOOP
                    last := CASE WHEN first <= alone_until THEN first
                                 ELSE least(first + block - 1, cardinality(addresses)) END;
                    BEGIN
                        {Insert(table, shape)} {rows} AND {block} {ConflictMerge.ClauseFor(table, shape)};
                        IF first > alone_until THEN block := least(block + 1, {MostInBlock}); END IF;
                        first := last + 1;
                    -- ASSERT_FAILURE is the one error of a row that OTHERS leaves out.
                    EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
                        IF {SqlErrors.IsTransientInSql} THEN RAISE; END IF;
                        IF first > alone_until THEN block := greatest(block / 2, 1); END IF;
                        IF last > first THEN
                            alone_until := last;
                        ELSE
                            GET STACKED DIAGNOSTICS
                                of_schema = SCHEMA_NAME, of_table = TABLE_NAME, violated = CONSTRAINT_NAME,
                                at_column = COLUMN_NAME, of_type = PG_DATATYPE_NAME, context = PG_EXCEPTION_CONTEXT;
                            INSERT INTO {Refused} VALUES (
                                (SELECT {Place} FROM {staged} AS candidate
                                  WHERE candidate.ctid = this.addresses[this.first]),
                                SQLSTATE, {Beginning("SQLERRM")}, {Beginning("of_schema")}, {Beginning("of_table")},
                                {Beginning("violated")}, {Beginning("at_column")}, {Beginning("of_type")},
                                {Beginning("context")});
                            first := first + 1; alone_until := 0;
                        END IF;
                    END;
                END LOOP;
            END
            """;
        var quoted = body.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
        return $"DO E'{quoted}'";
    }

    /// <summary>The beginning of the statement that inserts a block.</summary>
    public static string IntoOf(TableDescriptor table) => $"INSERT INTO {table.SqlName} ";

    /// <summary>
    /// The order in which rows are inserted, and the condition for those of a block. Rows go in the order in which they
    /// were taken, which is that of their addresses (<see cref="TemporaryTables"/>): a range of these is found without
    /// an index, and without a copy of the array. Rows whose likes may be there go in another, as in
    /// <see cref="ConflictMerge"/>, since lanes side by side must lock them in one order.
    /// </summary>
    private static (string Order, string Block) Walk(TableDescriptor table, Shape shape)
    {
        if (ConflictMerge.ClauseFor(table, shape).Length == 0)
            return (
                "candidate.ctid",
                "candidate.ctid BETWEEN this.addresses[this.first] AND this.addresses[this.last]");
        var order = $"{Join(table.Conflict!.Target.Select(column => Value(column) + column.SqlCollate))}, {Place}";
        return (order, $"candidate.ctid = ANY (this.addresses[this.first:this.last]) ORDER BY {order}");
    }

    private static string Insert(TableDescriptor table, Shape shape)
    {
        var overriding = table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";
        return $"{IntoOf(table)}({Join(shape.Columns.Select(column => TableNames.Quote(column.Name)))})"
            + $"{overriding} SELECT {Join(shape.Columns.Select(column => Value(table.ByName[column.Name])))}";
    }

    // A trigger may say anything, of any length.
    private static string Beginning(string text) => $"left({text}, {RowError.MostCharacters})";

    private static string Value(Column column) => FieldCodecs.IsInput(column.Codec)
        ? $"CAST(candidate.{TableNames.Quote(column.Name)} AS {column.SqlType})"
        : $"candidate.{TableNames.Quote(column.Name)}";

    private static string Join(IEnumerable<string> parts) => string.Join(", ", parts);
}
