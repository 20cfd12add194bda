using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Writing;

/// <summary>The statements that write rows of one shape into one table, worded once.</summary>
/// <param name="Copy">The COPY into the table or, where there is one, into its staging table.</param>
/// <param name="Staging">null where COPY can write the table directly.</param>
/// <param name="Unnest">null where only COPY will do.</param>
internal sealed record ShapeSql(string Copy, StagingTable? Staging, UnnestInsert? Unnest)
{
    // They go with their table's descriptor.
    private static readonly ConditionalWeakTable<TableDescriptor, ConcurrentDictionary<Shape, ShapeSql>> Known = [];

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
        if (table.NeedsStaging && StagingTable.For(table, shape) is var staging)
            return new ShapeSql(staging.Copy, staging, unnest);
        var columns = string.Join(", ", shape.Columns.Select(column => TableNames.Quote(column.Name)));
        return new ShapeSql($"COPY {table.SqlName} ({columns}) FROM STDIN (FORMAT BINARY)", null, unnest);
    }
}
