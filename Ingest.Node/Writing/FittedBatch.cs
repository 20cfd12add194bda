using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// A batch as its table wants it now: rows that were encoded for an earlier state of the table are encoded anew, and those
/// that no longer fit are rejected one by one.
/// </summary>
/// <param name="Table">null where the table is gone: all rows are rejected.</param>
internal sealed record FittedBatch(TableDescriptor? Table, BatchRows Rows, ImmutableArray<RejectedRow> Rejections)
{
    private static readonly Rejection TableGone = new("42P01", "The table is not there any more, or may not be written.");

    public static FittedBatch For(Batch batch, TableDescriptor? table)
    {
        if (table is null) return new FittedBatch(null, new BatchRows(BatchRows.SlicesOf(batch)), []).RejectRest(TableGone);
        var slices = new List<RowSlice>();
        var rejections = ImmutableArray.CreateBuilder<RejectedRow>();
        foreach (var slice in BatchRows.SlicesOf(batch))
        {
            if (table.Accepts(slice.Run.Shape)) slices.Add(slice);
            else EncodeAnew(slice, table, slices, rejections);
        }

        return new FittedBatch(table, new BatchRows(slices), rejections.DrainToImmutable());
    }

    /// <summary>The same batch with the rows that are left rejected for one reason.</summary>
    public FittedBatch RejectRest(Rejection rejection) => new(
        Table,
        new BatchRows([]),
        [.. Rejections, .. Enumerable.Range(0, Rows.Count).Select(row => Rows.Reject(row, rejection))]);

    private static void EncodeAnew(
        RowSlice slice,
        TableDescriptor table,
        List<RowSlice> slices,
        ImmutableArray<RejectedRow>.Builder rejections)
    {
        for (var row = 0; row < slice.Count; row++)
        {
            var (run, rejection) = RowReencoder.Reencode(table, slice.Run.Shape, slice.Tuples(row, 1).Span);
            var position = slice.Position + row;
            if (rejection is not null) rejections.Add(new RejectedRow(slice.Gateway, position, rejection));
            else slices.Add(new RowSlice(run!, 0, 1, slice.Gateway, position));
        }
    }
}
