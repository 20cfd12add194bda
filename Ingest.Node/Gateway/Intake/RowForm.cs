using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Intake;

/// <summary>How a row is written.</summary>
internal enum RowSyntax
{
    /// <summary>One JSON object.</summary>
    Json,

    /// <summary>One CSV record below a header line.</summary>
    Csv,

    /// <summary>The message <c>ingest.v1.Record</c>: values in the order of a header.</summary>
    Record,

    /// <summary>The message <c>ingest.v1.Values</c>: values by the names of their columns.</summary>
    Values,
}

/// <summary>A syntax, and the header that it needs: <see cref="RowSyntax.Csv"/> and <see cref="RowSyntax.Record"/>
/// have one.</summary>
internal readonly record struct RowForm(RowSyntax Syntax, RowHeader? Header = null)
{
    public static RowForm Json => new(RowSyntax.Json);

    public static RowForm Values => new(RowSyntax.Values);

    public static RowForm Csv(RowHeader header) => new(RowSyntax.Csv, header);

    public static RowForm Record(RowHeader header) => new(RowSyntax.Record, header);
}
