using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// A batch as its table wants it now: rows that were encoded for an earlier state of the table are encoded anew, and
/// those that no longer fit are rejected one by one.
/// </summary>
/// <param name="Table">null where the table is gone: all rows are rejected.</param>
internal sealed record FittedBatch(TableDescriptor? Table, BatchRows Rows, ImmutableArray<RejectedRow> Rejections)
{
    /// <param name="encodeAnew">True where PostgreSQL has refused what the catalog takes for fitting: then no tuple is
    /// trusted, since its bytes may hold what has changed (an array names its element type).</param>
    /// <exception cref="Npgsql.NpgsqlException">A row needs a key, and the database could not be asked for
    /// one.</exception>
    public static async Task<FittedBatch> ForAsync(
        Batch batch, TableDescriptor? table, bool encodeAnew, CancellationToken cancellation)
    {
        if (table is null)
            return new FittedBatch(null, new BatchRows(BatchRows.SlicesOf(batch)), []).RejectRest(Rejection.TableGone);
        if (table.ConflictFault is { } fault)
        {
            var all = new FittedBatch(null, new BatchRows(BatchRows.SlicesOf(batch)), []);
            return all.RejectRest(new Rejection("42P10", $"The table's setting on-conflict does not fit it: {fault}."));
        }

        var slices = new List<RowSlice>();
        var rejections = ImmutableArray.CreateBuilder<RejectedRow>();
        foreach (var slice in BatchRows.SlicesOf(batch))
        {
            if (!encodeAnew && table.Accepts(slice.Run.Shape)) slices.Add(slice);
            else await EncodeAnewAsync(slice, table, slices, rejections, cancellation);
        }

        return new FittedBatch(table, new BatchRows(slices, table.Conflict is not null), rejections.DrainToImmutable());
    }

    /// <summary>The same batch with the rows that are left rejected for one reason.</summary>
    public FittedBatch RejectRest(Rejection rejection) => new(
        Table,
        new BatchRows([]),
        [.. Rejections, .. Enumerable.Range(0, Rows.Count).Select(row => Rows.Reject(row, rejection))]);

    /// <summary>The same batch without some of its rows, by index.</summary>
    public FittedBatch Without(IReadOnlySet<int> indexes) =>
        indexes.Count == 0 ? this : this with { Rows = new BatchRows(Rows.Without(indexes), Rows.IsInOrder) };

    private static async Task EncodeAnewAsync(
        RowSlice slice,
        TableDescriptor table,
        List<RowSlice> slices,
        ImmutableArray<RejectedRow>.Builder rejections,
        CancellationToken cancellation)
    {
        var block = new RowBlock();
        var results = await new RowReencoder(table).ReencodeAsync(slice.ToRun(), block, cancellation);
        var encoded = 0;
        for (var row = 0; row < slice.Count; row++)
        {
            var position = slice.Position + row;
            if (results[row] is { } rejection)
            {
                rejections.Add(new RejectedRow(slice.Gateway, position, rejection));
                continue;
            }

            var tuple = block.Tuple(encoded).ToArray();
            var run = new RowRun(block.ShapeOf(encoded++), tuple, [tuple.Length]);
            slices.Add(new RowSlice(run, 0, 1, slice.Gateway, position));
        }
    }
}
