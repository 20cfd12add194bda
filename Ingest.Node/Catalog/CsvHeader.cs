using System.Diagnostics.CodeAnalysis;

namespace Ingest.Node.Catalog;

/// <summary>The columns that the records of a CSV body give, in their order.</summary>
public sealed class CsvHeader
{
    /// <summary>Reads a header record; its errors are null columns and more in <paramref name="errors"/>.</summary>
    [SuppressMessage("Performance", "CA1801", Justification = "A contract; its implementation follows.")]
    public static CsvHeader? Parse(TableDescriptor table, ReadOnlySpan<byte> record, RowErrors errors) =>
        throw new NotImplementedException();
}
