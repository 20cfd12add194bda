namespace Ingest.Node.Catalog;

/// <summary>Rows from CSV.</summary>
public sealed partial class RowEncoder
{
    private readonly TupleWriter unquoted = new();

    /// <summary>
    /// Encodes one CSV record. An empty field without quotes is NULL, also for a column that has a default: only
    /// columns that the header does not name take their default.
    /// </summary>
    /// <param name="record">One record without its line end.</param>
    /// <param name="header">The header of the body, for the same descriptor as this encoder.</param>
    public EncodeResult EncodeCsv(ReadOnlySpan<byte> record, RowHeader header, RowBlock block, RowErrors errors)
    {
        if (header.Table != Table) throw new ArgumentException("The header is of another table.", nameof(header));
        scratch.Begin();
        var fields = new CsvFields(record, unquoted);
        while (fields.TryRead(out var field))
        {
            if (fields.Count > header.Columns.Length) continue;
            var column = header.Columns[fields.Count - 1];
            scratch.TryBegin(column, WereTakenBefore, errors);
            if (fields.IsNull)
            {
                scratch.AddNull(column, errors);
                continue;
            }

            var codec = plan.Slots[column].Column.Codec;
            scratch.EndField(column, codec.EncodeText(field, scratch.BeginField(column)), errors);
        }

        if (fields.Error is { } error)
            errors.AddRow(error);
        else if (fields.Count != header.Columns.Length)
            errors.AddRow($"has {fields.Count} fields where the header has {header.Columns.Length}");
        return errors.Row is null ? scratch.Finish(block, errors) : EncodeResult.Invalid;
    }
}
