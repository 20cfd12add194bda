using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing;

/// <summary>
/// The statements that write rows of one shape where their likes may be in the table. Rows go in sorted by what makes
/// them alike, so that lanes that write the same rows side by side wait for one another in one order.
/// </summary>
/// <param name="Write">Writes what is to be written. Returns the places of rows that were not, or did not become rows
/// of their own; for an update with the key of the row that was changed.</param>
/// <param name="Find">The keys of the rows that are there in place of those at some places; null where
/// <paramref name="Write"/> tells.</param>
internal sealed record ConflictMerge(string Write, string? Find)
{
    /// <param name="source">Gives the rows as <c>s</c>, with their place <c>n</c>, counted from 1.</param>
    /// <param name="values">For each column of the shape its value.</param>
    /// <returns>null where rows have no likes to be looked for: under fail, and where the shape leaves out a column
    /// that makes rows alike.</returns>
    public static ConflictMerge? For(TableDescriptor table, Shape shape, string source, IReadOnlyList<string> values)
    {
        if (table.Conflict is not { } rule) return null;
        var places = rule.Target.Select(column => TupleReader.IndexOf(shape, column.Name)).ToArray();
        if (places.Contains(-1)) return null;
        var alike = Numbered("k", rule.Target.Length);
        var rows = "SELECT s.n, " + Join(values.Select((value, index) => $"{value} AS c{index + 1}")) + ", "
            // As the table will have it: a timestamp(0) is rounded, a collation may take 'a' for 'A'.
            + Join(rule.Target.Select((column, index) =>
                $"CAST({values[places[index]]} AS {column.TypeName}){column.SqlCollate} AS k{index + 1}"))
            + $" FROM {source}";
        return rule.Action == ConflictAction.Skip
            ? new ConflictMerge(Skip(table, shape, rule, rows, alike), Lookup(table, rule, rows))
            : new ConflictMerge(Update(table, shape, rule, rows, alike), null);
    }

    /// <summary>What an INSERT of rows of a shape says of their likes; empty where they have none to be looked for. One
    /// statement must not update a row twice.</summary>
    public static string ClauseFor(TableDescriptor table, Shape shape) => table.Conflict switch
    {
        { } rule when rule.Target.Any(column => TupleReader.IndexOf(shape, column.Name) < 0) => "",
        { Action: ConflictAction.Skip } rule => $" ON CONFLICT ({Names(rule.Target)}) DO NOTHING",
        { } rule => $" ON CONFLICT ({Names(rule.Target)}) DO UPDATE SET "
            + Join(rule.Update.Select(column => TableNames.Quote(column.Name))
                .Select(name => $"{name} = excluded.{name}")),
        null => "",
    };

    /// <summary>The row that has a place first is written, if none is there.</summary>
    private static string Skip(
        TableDescriptor table, Shape shape, ConflictRule rule, string rows, IReadOnlyList<string> alike) =>
        $"WITH given AS MATERIALIZED ({rows}), "
        + $"ranked AS (SELECT n, {Join(alike)}, row_number() OVER (PARTITION BY {Join(alike)} ORDER BY n) AS place "
        + $"FROM given WHERE {AllKnown(alike)}), "
        + $"added AS (INSERT INTO {table.SqlName} AS t ({Names(shape)}){Overriding(table)} "
        + $"SELECT {Values(shape)} FROM given ORDER BY {Join(alike)}, n"
        + $"{ClauseFor(table, shape)} RETURNING {Returning(rule.Target)}) "
        + "SELECT g.n::int FROM ranked AS g WHERE g.place > 1 OR NOT EXISTS ("
        + $"SELECT FROM added AS a WHERE {Same("a", "g", alike)}) ORDER BY g.n";

    private static string Lookup(TableDescriptor table, ConflictRule rule, string rows) =>
        $"WITH given AS MATERIALIZED ({rows}) SELECT g.n::int{KeyTexts(table)} "
        + $"FROM given AS g JOIN {table.SqlName} AS t ON "
        + Join(
            rule.Target.Select((column, index) => $"t.{TableNames.Quote(column.Name)} = g.k{index + 1}"), " AND ")
        + " "
        + "WHERE g.n = ANY ";

    /// <summary>The row that has a place last is written.</summary>
    private static string Update(
        TableDescriptor table, Shape shape, ConflictRule rule, string rows, IReadOnlyList<string> alike)
    {
        var write = $"WITH given AS MATERIALIZED ({rows}), ranked AS (SELECT *, CASE WHEN {AllKnown(alike)} "
            + $"THEN row_number() OVER (PARTITION BY {Join(alike)} ORDER BY n DESC) ELSE 1 END AS place FROM given), "
            + $"written AS (INSERT INTO {table.SqlName} AS t ({Names(shape)}){Overriding(table)} "
            + $"SELECT {Values(shape)} FROM ranked WHERE place = 1 ORDER BY {Join(alike)}, n{ClauseFor(table, shape)}"
            + $" RETURNING {Returning(rule.Target)}{KeyColumns(table)}) ";
        // Where the row that is there has the key that was given, there is nothing to tell.
        var own = table.Key
            .Select((column, index) => (Index: index + 1, Place: TupleReader.IndexOf(shape, column.Name)))
            .ToArray();
        var differs = own.Length == 0 || own.Any(column => column.Place < 0)
            ? "false"
            : Join(own.Select(column => $"w.i{column.Index} IS DISTINCT FROM g.c{column.Place + 1}"), " OR ");
        return write + $"SELECT g.n::int{Join(own.Select(column => $", w.i{column.Index}::text"), "")} "
            + $"FROM ranked AS g JOIN written AS w ON {Same("w", "g", alike)} WHERE {differs} ORDER BY g.n";
    }

    private static string Names(Shape shape) => Join(shape.Columns.Select(column => TableNames.Quote(column.Name)));

    private static string Names(ImmutableArray<Column> columns) =>
        Join(columns.Select(column => TableNames.Quote(column.Name)));

    private static string Values(Shape shape) => Join(Numbered("c", shape.Columns.Length));

    private static string[] Numbered(string name, int count) =>
        [.. Enumerable.Range(1, count).Select(number => $"{name}{number}")];

    private static string AllKnown(IEnumerable<string> alike) =>
        Join(alike.Select(name => $"{name} IS NOT NULL"), " AND ");

    private static string Same(string one, string other, IEnumerable<string> alike) =>
        Join(alike.Select(name => $"{one}.{name} = {other}.{name}"), " AND ");

    private static string Returning(ImmutableArray<Column> target) =>
        Join(target.Select((column, index) => $"t.{TableNames.Quote(column.Name)} AS k{index + 1}"));

    private static string KeyColumns(TableDescriptor table) =>
        Join(table.Key.Select((column, index) => $", t.{TableNames.Quote(column.Name)} AS i{index + 1}"), "");

    private static string KeyTexts(TableDescriptor table) =>
        Join(table.Key.Select(column => $", t.{TableNames.Quote(column.Name)}::text"), "");

    private static string Overriding(TableDescriptor table) =>
        table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";

    private static string Join(IEnumerable<string> parts, string separator = ", ") => string.Join(separator, parts);
}
