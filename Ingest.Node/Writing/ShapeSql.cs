using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing;

/// <summary>The statements that write rows of one shape into one table, worded once.</summary>
/// <param name="Copy">The COPY into the table or, where there is one, into its staging table.</param>
/// <param name="Staging">null where rows can be written without.</param>
/// <param name="Unnest">null where rows can come by COPY only.</param>
internal sealed record ShapeSql(string Copy, StagingTable? Staging, UnnestInsert? Unnest)
{
    // They go with their table's descriptor.
    private static readonly ConditionalWeakTable<TableDescriptor, ConcurrentDictionary<Shape, ShapeSql>> Known = [];

    /// <summary>Looks for the rows' likes in the table; null where a row that has one is to fail.</summary>
    public ConflictMerge? Merge { get; private init; }

    /// <summary>The statement that writes rows unseen, or fails; null where there is none.</summary>
    public UnnestInsert? AtOnce { get; private init; }

    public static ShapeSql For(TableDescriptor table, Shape shape)
    {
        var shapes = Known.GetOrCreateValue(table);
        if (shapes.TryGetValue(shape, out var known)) return known;
        var made = Make(table, shape);
        return shapes.Count < RowPlan.MostShapes ? shapes.GetOrAdd(shape, made) : made;
    }

    private static ShapeSql Make(TableDescriptor table, Shape shape)
    {
        var unnest = UnnestInsert.For(table, shape);
        var staging = table.NeedsStaging || (unnest is null && table.Conflict is not null)
            ? StagingTable.For(table, shape) : null;
        var merge = unnest is not null ? ConflictMerge.For(table, shape, unnest.Source, unnest.Values)
            : staging is not null ? ConflictMerge.For(table, shape, staging.Source, staging.Values)
            : null;
        return new ShapeSql(staging?.Copy ?? CopyInto(table, shape), staging, unnest)
        {
            Merge = merge,
            AtOnce = merge is null || unnest is null
                ? unnest
                : unnest with { Sql = AtOnceSql(table, shape, unnest, merge) },
        };
    }

    /// <summary>Rows without likes are written as ever, but in the order in which a merge locks them. Of an update of a
    /// key's row there is nothing to be told.</summary>
    private static string AtOnceSql(TableDescriptor table, Shape shape, UnnestInsert unnest, ConflictMerge merge)
    {
        var alike = table.Conflict!.Target
            .Select(column => unnest.Values[TupleReader.IndexOf(shape, column.Name)] + column.SqlCollate);
        return table.Conflict.UpdatesKeys(table) ? merge.Write : $"{unnest.Sql} ORDER BY {string.Join(", ", alike)}";
    }

    private static string CopyInto(TableDescriptor table, Shape shape)
    {
        var columns = string.Join(", ", shape.Columns.Select(column => TableNames.Quote(column.Name)));
        return $"COPY {table.SqlName} ({columns}) FROM STDIN (FORMAT BINARY)";
    }
}
